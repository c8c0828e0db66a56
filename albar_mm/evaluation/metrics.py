"""Metric classes over :mod:`albar_mm.evaluation.functional`, for records keyed by set and id."""

import sys
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmaction.registry import METRICS
from mmengine.dist import (
    broadcast_object_list,
    collect_results,
    get_world_size,
    is_main_process,
)
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from .functional import (
    DOMAINS,
    VIEWS,
    Prediction,
    PredictionRecord,
    bias_scores,
    collate_records,
    per_class_scores,
    predicted_class,
    static_contrast_scores,
)
from .tables import COMPARISON_COLUMNS, format_bias_table


class RecordMetric(BaseMetric):
    """Collect one :class:`PredictionRecord` per sample from all processes and score them by id.

    MMEngine drops the samples that a distributed sampler repeats by cutting the collected list to
    the length of the dataset. That is right only if every process gets the same number of samples
    in the sampler's order; a batch sampler that groups samples breaks it. Here nothing is cut:
    repeats are recognised by their key, and the number of distinct samples must equal the
    dataset's.

    Args:
        **options: ``collect_device``, ``prefix`` and ``collect_dir`` of
            :class:`mmengine.evaluator.BaseMetric`.
    """

    default_prefix: str | None = ''
    #: values of the metainfo field ``domain`` that this metric accepts
    domains: tuple[str, ...] = ()
    #: the dataset that sets the fields, for messages
    dataset_type: str = ''
    #: scores that are always given; empty where they depend on the data
    score_names: tuple[str, ...] = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        #: further entries for results.json, set by :meth:`score`; JSON-ready, main process only
        self.results_entries: dict[str, Any] = {}

    @abstractmethod
    def score(self, predictions: dict[tuple[str, str], dict[str, Prediction]]) -> dict[str, float]:
        """Turn (domain, background) -> id -> prediction into named scores."""

    def process(self, data_batch: Any, data_samples: Sequence[Mapping]) -> None:
        """Keep one record per sample.

        Args:
            data_batch: not used.
            data_samples: samples as the recogniser's head returns them, as dicts: ``pred_score``
                tensor (K,), ``gt_label`` tensor (1,), and the metainfo that the dataset set.

        Raises:
            ValueError: if a field is missing or unusable; the message names the sample.
        """
        self.results.extend(self._read(sample) for sample in data_samples)

    def compute_metrics(
        self, results: list[PredictionRecord], size: int | None = None
    ) -> dict[str, float]:
        """Score records that were collected from all processes.

        Args:
            results: The records.
            size: Number of samples in the dataset, if it is to be checked.

        Raises:
            ValueError: Samples are missing or do not match.
        """
        predictions = collate_records(results, allow_repeats=get_world_size() > 1)
        distinct = sum(map(len, predictions.values()))
        if size is not None and distinct != size:
            raise ValueError(
                f'{type(self).__name__} got {distinct} distinct samples, but the dataset holds '
                f'{size}; a test must run over the whole dataset'
            )
        scores = self.score(predictions)
        return {f'{self.prefix}/{k}': v for k, v in scores.items()} if self.prefix else scores

    def evaluate(self, size: int) -> dict[str, float]:
        """Collect the records of all processes, check that none is missing, and score them.

        Args:
            size: number of samples in the dataset.

        Returns:
            The scores, on every process.

        Raises:
            ValueError: on the main process, if samples are missing or do not match.
            RuntimeError: on the other processes, when the main process failed.
        """
        records = collect_results(
            self.results, sys.maxsize, self.collect_device, tmpdir=self.collect_dir
        )
        self.results.clear()
        outcome: list[Any] = [None, None]
        failure: Exception | None = None
        if is_main_process():
            # the other processes wait for the broadcast, so a failure here must reach them too
            try:
                outcome[0] = self.compute_metrics(records, size)
            except Exception as error:
                failure, outcome[1] = error, f'{type(error).__name__}: {error}'
        broadcast_object_list(outcome)
        if failure is not None:
            raise failure
        if outcome[1] is not None:
            raise RuntimeError(f'{type(self).__name__} failed on the main process: {outcome[1]}')
        return outcome[0]

    def _read(self, sample: Mapping) -> PredictionRecord:
        missing = [key for key in ('domain', 'pair_id') if key not in sample]
        if missing or sample['domain'] not in self.domains:
            found = ', '.join(missing) + ' missing' if missing else f'domain {sample["domain"]!r}'
            raise ValueError(
                f'{type(self).__name__} needs samples with a pair_id and a domain in '
                f'{self.domains}, found {found}; use it with {self.dataset_type}'
            )
        where = f'{sample["domain"]}/{sample.get("background", "")} {sample["pair_id"]}'
        scores = _class_scores(sample.get('pred_score'), where)
        label = sample.get('gt_label')
        if label is None or label.numel() != 1 or not 0 <= int(label) < len(scores):
            raise ValueError(
                f'{where}: one label in [0, {len(scores)}) expected, got {_short(label)}'
            )
        try:
            pred = int(predicted_class(scores[None])[0])
        except ValueError as error:
            raise ValueError(f'{where}: {error}') from error
        conflict = sample.get('conflict_label')
        return PredictionRecord(
            domain=sample['domain'],
            background=sample.get('background', ''),
            pair_id=sample['pair_id'],
            pred=pred,
            label=int(label),
            conflict_label=None if conflict is None else int(conflict),
        )


@METRICS.register_module()
class BiasMetric(RecordMetric):
    """Scores of a bias benchmark read through :class:`albar_mm.datasets.BiasBenchmarkDataset`.

    Keys and definitions are those of :func:`albar_mm.evaluation.functional.bias_scores`, in
    percent. The table is written to the log as well. :class:`ResultsHook` adds the main scores of
    every class to ``results.json``, as ``per_class``: true label -> score name -> percentage.

    Args:
        per_class: add every score for each true class to the metrics (and so to the log), as
            ``<score>/class_<label>``.
        **options: see :class:`RecordMetric`; by default no prefix, so keys read ``scuba/avg``.

    Example config::

        test_evaluator = dict(type='BiasMetric')
    """

    domains = DOMAINS
    dataset_type = 'BiasBenchmarkDataset'

    def __init__(self, per_class: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.per_class = per_class

    def score(self, predictions: dict[tuple[str, str], dict[str, Prediction]]) -> dict[str, float]:
        """Score the sets, write the table to the log.

        Raises:
            ValueError: if a set is incomplete or the ids of SCUBA and SCUFO do not match.
        """
        self._check_sizes(predictions)
        scores = bias_scores(predictions)
        lacking = (self.dataset_meta or {}).get('missing_sets')
        title = f'Static bias (not there: {", ".join(lacking)})' if lacking else 'Static bias'
        print_log('\n' + format_bias_table(scores, title), logger='current')
        of_classes = per_class_scores(predictions)
        self.results_entries['per_class'] = {
            str(label): {key: values[key] for _, key in COMPARISON_COLUMNS if key in values}
            for label, values in of_classes.items()
        }
        if self.per_class:
            for label, values in of_classes.items():
                scores.update({f'{key}/class_{label}': value for key, value in values.items()})
        return scores

    def _check_sizes(self, predictions: Mapping[tuple[str, str], Mapping]) -> None:
        """Compare with the sizes that the dataset states, set by set."""
        expected = (self.dataset_meta or {}).get('sets', {})
        found = {f'{d}/{b}': len(records) for (d, b), records in predictions.items()}
        wrong = {
            name: (found.get(name, 0), size)
            for name, size in expected.items()
            if found.get(name, 0) != size
        }
        if wrong:
            listing = '; '.join(f'{n}: {got} of {size}' for n, (got, size) in wrong.items())
            raise ValueError(f'predictions are missing from the test run: {listing}')


@METRICS.register_module()
class StaticContrastMetric(RecordMetric):
    """Accuracy on validation clips and on their own static clips, and the contrast, in percent.

    To be used with :class:`albar_mm.datasets.StaticPairDataset` over a held-out part of the
    training set. Keys: ``val/top1``, ``val/static_top1``, ``val/contrast`` (clip right and its own
    static clip wrong).

    Example config::

        val_evaluator = dict(type='StaticContrastMetric')
        default_hooks = dict(
            checkpoint=dict(type='CheckpointHook', save_best='val/contrast', rule='greater'))
    """

    default_prefix = 'val'
    score_names = ('top1', 'static_top1', 'contrast')
    domains = VIEWS
    dataset_type = 'StaticPairDataset'

    def score(self, predictions: dict[tuple[str, str], dict[str, Prediction]]) -> dict[str, float]:
        """Score clips and static clips, joined by id."""
        return static_contrast_scores(predictions)


def _class_scores(scores: Any, where: str) -> Any:
    """The (K,) score vector of one sample as a numpy array."""
    if isinstance(scores, torch.Tensor):
        # (1, K) comes from a head with average_clips=None that saw a single view
        if scores.ndim == 2 and scores.shape[0] == 1:
            scores = scores[0]
        if scores.ndim == 1 and scores.numel() > 0:
            return scores.detach().float().cpu().numpy()
    raise ValueError(
        f'{where}: pred_score must be one vector of class scores, got {_short(scores)}. With '
        "several views per video set cls_head.average_clips to 'prob' or 'score'"
    )


def _short(value: Any) -> str:
    if isinstance(value, torch.Tensor) and value.numel() > 1:
        return f'a tensor of shape {tuple(value.shape)}'
    return str(value) if isinstance(value, torch.Tensor | None) else f'a {type(value).__name__}'
