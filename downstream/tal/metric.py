"""Mean average precision of a test run."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmaction.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from .annotations import write_predictions
from .ranking import Segments
from .scores import TIOUS, temporal_scores

_PARTS = {
    'annotation': ('gt_segments', 'gt_labels'),
    'detections': ('pred_segments', 'pred_labels', 'pred_scores'),
}


@METRICS.register_module()
class TemporalMAP(BaseMetric):
    """Scores of temporal action localisation by the ActivityNet protocol, in percent.

    ============================  =================================================================
    ``mAP``                       mean of the next ones: the number of THUMOS14 papers
    ``mAP@0.3``, ...              mean average precision at each threshold of temporal IoU
    ``recall@1x@0.5``, ...        see :func:`~.scores.recall_at`
    ``fp_background``,            share of each kind of error among the best detections, see
    ``fp_localisation``,          :func:`~.scores.false_positives`
    ``fp_wrong_label``,
    ``fp_double_detection``,
    ``fp_confusion``
    ``AP_<class>``                average precision of a class, mean over the thresholds
    ============================  =================================================================

    Args:
        tious: Thresholds of mAP.
        ties: See :func:`~.scores.temporal_map`.
        drop_duplicates: See there.
        recall_tiou: Thresholds of recall.
        recall_k: Multiples of the number of annotated segments; empty for no recall.
        false_positives: Tell the kinds of errors.
        false_positive_tiou: Threshold of that.
        per_class: Also ``AP_<class>``.
        out_file: JSON to write with all detections, in the layout of ActivityNet; see
            :func:`~.annotations.write_predictions`.
        prefix: See ``BaseMetric``.
        **kwargs: See ``BaseMetric``.
    """

    default_prefix = 'tal'

    def __init__(
        self,
        tious: Sequence[float] = TIOUS,
        ties: str = 'last',
        drop_duplicates: bool = True,
        recall_tiou: Sequence[float] = (0.5,),
        recall_k: Sequence[int] = (1, 5),
        false_positives: bool = True,
        false_positive_tiou: float = 0.5,
        per_class: bool = False,
        out_file: str | None = None,
        prefix: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix=prefix, **kwargs)
        self.options = dict(
            tious=tious,
            ties=ties,
            drop_duplicates=drop_duplicates,
            recall_tiou=recall_tiou,
            recall_k=recall_k,
            breakdown=false_positives,
            breakdown_tiou=false_positive_tiou,
            per_class=per_class,
        )
        # settings that cannot be are told now, not after the test
        temporal_scores(
            Segments(['v'], np.array([[0, 1]]), [0]),
            Segments([], np.zeros((0, 2)), [], np.zeros(0)),
            ['c'],
            **self.options,
        )
        self.out_file = out_file

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the detections and the annotation of a batch.

        Args:
            data_batch: Not used.
            data_samples: With ``video_id``; ``gt_segments`` (n, 2) in seconds and ``gt_labels``
                (n,); ``pred_segments`` (m, 2) in seconds, ``pred_labels`` (m,) and ``pred_scores``
                (m,); arrays or tensors.

        Raises:
            ValueError: Detections are not finite, their numbers do not fit each other, or a label
                is no class; the message names the video.
        """
        num_classes = len(self._classes())
        for sample in data_samples:
            video = str(sample['video_id'])
            row: dict[str, Any] = dict(video_id=video)
            for part, keys in _PARTS.items():
                try:
                    row |= _checked({key: _array(sample[key]) for key in keys}, num_classes)
                except ValueError as error:
                    raise ValueError(f'video {video!r}: {part}: {error}') from None
            self.results.append(row)

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """All numbers.

        Args:
            results: Of all processes.

        Raises:
            ValueError: No video has an annotated action.
        """
        # a sampler that fills up the last batch may give a video twice
        rows = list({row['video_id']: row for row in results}.values())
        ground_truth, predictions = (_joined(rows, keys) for keys in _PARTS.values())
        classes = self._classes()
        if self.out_file is not None:
            write_predictions(
                self.out_file, predictions, classes, [row['video_id'] for row in rows]
            )
        if not len(ground_truth.videos):
            raise ValueError(
                f'none of the {len(rows)} tested videos has an annotated action: '
                'check annotation and subset of the test set'
            )
        if not len(predictions.videos):
            print_log(
                f'no action was detected in any of the {len(rows)} videos, so all scores are '
                '0: is the score threshold too high, or was the checkpoint not loaded?',
                'current',
                logging.WARNING,
            )
        return temporal_scores(ground_truth, predictions, classes, **self.options)

    def _classes(self) -> Sequence[str]:
        classes = (self.dataset_meta or {}).get('classes')
        if not classes:
            raise ValueError("the data set gives no names of classes: its metainfo needs 'classes'")
        return classes


def _array(value: Any) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        # numpy has no bfloat16
        value = (value.double() if value.is_floating_point() else value).numpy()
    return np.asarray(value)


def _checked(arrays: dict[str, np.ndarray], num_classes: int) -> dict[str, np.ndarray]:
    """Segments, labels and perhaps scores of one video."""
    segments, labels, *_ = arrays
    count = len(arrays[labels])
    if not count and not arrays[segments].size:
        arrays = arrays | {segments: np.zeros((0, 2)), labels: np.zeros(0, np.int64)}
    wanted = {key: (count, 2) if key == segments else (count,) for key in arrays}
    if any(arrays[key].shape != shape for key, shape in wanted.items()):
        raise ValueError(
            'shapes '
            + ', '.join(f'{array.shape} of {key}' for key, array in arrays.items())
            + '; expected (n, 2) of segments and (n,) of the others'
        )
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError('not finite: look for nan or inf in what the network gives')
    if count and not 0 <= arrays[labels].min() <= arrays[labels].max() < num_classes:
        raise ValueError(
            f'labels {arrays[labels].min()} to {arrays[labels].max()}; the data '
            f'set has {num_classes} classes, expected 0 to '
            f'{num_classes - 1}'
        )
    return arrays


def _joined(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> Segments:
    counts = [len(row[keys[1]]) for row in rows]
    names = [row['video_id'] for row, count in zip(rows, counts, strict=True) for _ in range(count)]
    return Segments(names, *(np.concatenate([row[key] for row in rows]) for key in keys))
