"""A metric over prediction records that are keyed by (domain, background, id)."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.dist import (
    broadcast_object_list,
    collect_results,
    get_world_size,
    is_main_process,
)
from mmengine.evaluator import BaseMetric

from ..functional import Prediction, PredictionRecord, collate_records, predicted_class


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

    def compute_metrics(self, results: list[PredictionRecord]) -> dict[str, float]:
        """Score records that were collected from all processes."""
        return self.score(collate_records(results, allow_repeats=get_world_size() > 1))

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
                outcome[0] = self._evaluate_collected(records, size)
            except Exception as error:
                failure, outcome[1] = error, f'{type(error).__name__}: {error}'
        broadcast_object_list(outcome)
        if failure is not None:
            raise failure
        if outcome[1] is not None:
            raise RuntimeError(f'{type(self).__name__} failed on the main process: {outcome[1]}')
        return outcome[0]

    def _evaluate_collected(self, records: list[PredictionRecord], size: int) -> dict[str, float]:
        predictions = collate_records(records, allow_repeats=get_world_size() > 1)
        distinct = sum(len(entries) for entries in predictions.values())
        if distinct != size:
            raise ValueError(
                f'{type(self).__name__} got {distinct} distinct samples, but the dataset holds '
                f'{size}; a test must run over the whole dataset'
            )
        scores = self.score(predictions)
        return {f'{self.prefix}/{k}': v for k, v in scores.items()} if self.prefix else scores

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
