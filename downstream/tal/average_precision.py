"""Mean average precision of detected segments, by the ActivityNet protocol."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

TIOUS = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Thresholds of THUMOS14."""
TIES = ('last', 'first')
_SAME_S = 1e-3  # ends of two annotations that are one


@dataclass(frozen=True)
class Segments:
    """Annotated or detected segments, one an entry.

    Attributes:
        videos: Name of the video of each.
        segments: Begin and end in seconds, shape (n, 2).
        labels: Class of each.
        scores: Of detections, shape (n,); None for annotation.
    """

    videos: Sequence[str]
    segments: np.ndarray
    labels: Sequence[Hashable]
    scores: np.ndarray | None = None

    def __post_init__(self) -> None:
        segments = np.asarray(self.segments, np.float64).reshape(-1, 2)
        object.__setattr__(self, 'segments', segments)
        lengths = {len(self.videos), len(segments), len(self.labels)}
        if self.scores is not None:
            object.__setattr__(self, 'scores', np.asarray(self.scores, np.float64))
            lengths.add(len(self.scores))
        if len(lengths) > 1:
            raise ValueError(f'videos, segments, labels and scores differ in number: '
                             f'{sorted(lengths)}')  # fmt: skip
        if not np.isfinite(segments).all() or (
                self.scores is not None and not np.isfinite(self.scores).all()):
            raise ValueError('segments and scores must be finite')


@dataclass(frozen=True)
class TemporalMAP:
    """Scores of a test, in [0, 1].

    Attributes:
        tious: Thresholds.
        per_class: Class -> AP at each threshold.
    """

    tious: tuple[float, ...]
    per_class: dict[Hashable, np.ndarray]

    @property
    def at(self) -> np.ndarray:
        """Mean over classes at each threshold."""
        return np.mean(list(self.per_class.values()), axis=0)

    @property
    def mean(self) -> float:
        """Mean over classes and thresholds."""
        return float(self.at.mean())


def temporal_map(
    ground_truth: Segments, predictions: Segments, tious: ArrayLike = TIOUS, *,
    ties: str = 'last', drop_duplicates: bool = True,
) -> TemporalMAP:  # fmt: skip
    """Mean average precision over classes, interpolated, at thresholds of temporal IoU.

    In each class, predictions of all videos are taken from the highest score down. One is right
    when it reaches the threshold (equality counts) with an annotated segment of its video and class
    that none before took; it tries them by falling IoU. AP is the area under the precision-recall
    curve with precision made non-increasing. Classes without annotation take no part.

    Defaults are those of the evaluation that ActionFormer and TriDet report; ``('first', False)``
    gives MMAction2's numbers.

    Args:
        ground_truth: The annotation.
        predictions: With scores.
        tious: Thresholds.
        ties: Of equal scores the ``'last'`` or the ``'first'`` entry comes first.
        drop_duplicates: Count annotations of one class in one video once where both ends are
            within a millisecond.

    Raises:
        ValueError: There is no annotation, predictions have no scores, or another ``ties``.
    """
    if ties not in TIES:
        raise ValueError(f'ties is {ties!r}; expected one of {", ".join(TIES)}')
    if predictions.scores is None:
        raise ValueError('predictions need scores')
    if not len(ground_truth.videos):
        raise ValueError('there is no annotated segment')
    thresholds = np.atleast_1d(np.asarray(tious, np.float64))
    truth = _by_class_and_video(ground_truth, drop_duplicates)
    order = _order(predictions.scores, ties)
    of_class: dict[Hashable, list[int]] = defaultdict(list)
    for index in order.tolist():
        of_class[predictions.labels[index]].append(index)
    per_class = {label: _average_precision(videos, predictions, of_class.get(label, []), thresholds)
                 for label, videos in truth.items()}  # fmt: skip
    return TemporalMAP(tuple(thresholds.tolist()), per_class)


def temporal_iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Temporal IoU of every pair.

    Args:
        one: Shape (n, 2).
        other: Shape (m, 2).

    Returns:
        In [0, 1], shape (n, m).
    """
    overlap = (np.minimum(one[:, None, 1], other[None, :, 1])
               - np.maximum(one[:, None, 0], other[None, :, 0])).clip(0)  # fmt: skip
    lengths = (one[:, 1] - one[:, 0])[:, None] + (other[:, 1] - other[:, 0])[None]
    union = lengths - overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)


def _order(scores: np.ndarray, ties: str) -> np.ndarray:
    if ties == 'first':
        return np.argsort(-scores, kind='stable')
    return np.argsort(scores, kind='stable')[::-1]


def _by_class_and_video(truth: Segments, drop_duplicates: bool) -> dict[
        Hashable, dict[str, np.ndarray]]:  # fmt: skip
    found: dict[Hashable, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    for video, segment, label in zip(truth.videos, truth.segments, truth.labels, strict=True):
        members = found[label][video]
        if drop_duplicates and any(np.abs(segment - other).max() <= _SAME_S for other in members):
            continue
        members.append(segment)
    return {label: {video: np.stack(members) for video, members in videos.items()}
            for label, videos in found.items()}  # fmt: skip


def _average_precision(
    truth: dict[str, np.ndarray], predictions: Segments, order: Sequence[int],
    thresholds: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """AP of one class at each threshold."""
    total = sum(map(len, truth.values()))
    if not order:
        return np.zeros(len(thresholds))
    rows: dict[str, list[int]] = defaultdict(list)
    for place, index in enumerate(order):
        rows[predictions.videos[index]].append(place)
    hits = np.zeros((len(thresholds), len(order)), bool)
    segments = predictions.segments[np.asarray(order)]
    for video, places in rows.items():
        if video in truth:
            iou = temporal_iou(segments[places], truth[video])
            hits[:, places] = _matched(iou, thresholds)
    return np.array([_area(each, total) for each in hits])


def _matched(iou: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Which predictions of a video are right at each threshold; rows come best first."""
    right = np.zeros((len(thresholds), len(iou)), bool)
    taken = np.zeros((len(thresholds), iou.shape[1]), bool)
    lowest = thresholds.min()
    for row in np.flatnonzero(iou.max(1) >= lowest):  # the others can take nothing
        for column in np.argsort(-iou[row], kind='stable'):
            if iou[row, column] < lowest:
                break
            takes = (iou[row, column] >= thresholds) & ~taken[:, column] & ~right[:, row]
            right[takes, row] = True
            taken[takes, column] = True
    return right


def _area(hits: np.ndarray, total: int) -> float:
    """Interpolated AP of predictions that come best first."""
    right = np.cumsum(hits)
    recall = right / total
    precision = right / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0) * envelope).sum())
