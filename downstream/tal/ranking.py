"""Annotated and detected segments: a test of both in numbers, and which overlap."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from albar_mm.utils.numbers import one_of

_SAME_S = 1e-3  # ends of two annotations that are one
_CHUNK = 1 << 18  # pairs at once: bounds the memory, and they stay in the cache


@dataclass(frozen=True)
class Segments:
    """Annotated or detected segments, one an entry.

    Attributes:
        videos: Name of the video of each; a sequence or an array.
        segments: Begin and end in seconds, shape (n, 2).
        labels: Class of each; a sequence or an array.
        scores: Of detections, shape (n,); None for annotation.
    """

    videos: Sequence[Hashable] | np.ndarray
    segments: np.ndarray
    labels: Sequence[Hashable] | np.ndarray
    scores: np.ndarray | None = None

    def __post_init__(self) -> None:
        segments = np.asarray(self.segments, np.float64).reshape(-1, 2)
        object.__setattr__(self, 'segments', segments)
        scores = np.zeros(len(segments))
        if self.scores is not None:
            scores = np.asarray(self.scores, np.float64)
            object.__setattr__(self, 'scores', scores)
        lengths = {len(self.videos), len(segments), len(self.labels), len(scores)}
        if len(lengths) > 1:
            raise ValueError(
                f'videos, segments, labels and scores differ in number: {sorted(lengths)}'
            )
        if not (np.isfinite(segments).all() and np.isfinite(scores).all()):
            raise ValueError('segments and scores must be finite')


@dataclass(frozen=True)
class Ranking:
    """A test in numbers: detections by class, and in each class the best first.

    Detections of classes without annotation are left out; those of videos without annotation stay.

    Attributes:
        classes: Annotated classes, in order of appearance.
        truth: Annotated segments, shape (g, 2).
        truth_class: Place of the class of each in ``classes``.
        truth_video: Number of its video.
        segments: Detected segments, shape (n, 2).
        row_class: As ``truth_class``.
        row_video: As ``truth_video``; -1 for videos without annotation.
    """

    classes: tuple[Hashable, ...]
    truth: np.ndarray
    truth_class: np.ndarray
    truth_video: np.ndarray
    segments: np.ndarray
    row_class: np.ndarray
    row_video: np.ndarray

    @classmethod
    def of(
        cls,
        ground_truth: Segments,
        predictions: Segments,
        ties: str = 'last',
        drop_duplicates: bool = True,
    ) -> 'Ranking':
        """Rank the detections of a test.

        Args:
            ground_truth: The annotation.
            predictions: With scores.
            ties: Of equal scores the ``'last'`` or the ``'first'`` entry comes first.
            drop_duplicates: Count annotations of one class in one video once where both ends are
                within a millisecond.

        Raises:
            ValueError: There is no annotation, predictions have no scores, or another ``ties``.
        """
        one_of(ties, ('last', 'first'), 'ties')
        if predictions.scores is None:
            raise ValueError('predictions need scores')
        if not len(ground_truth.videos):
            raise ValueError('there is no annotated segment')
        classes, videos = _known(ground_truth.labels), _known(ground_truth.videos)
        truth = ground_truth.segments
        truth_class = _codes(ground_truth.labels, classes)
        truth_video = _codes(ground_truth.videos, videos)
        if drop_duplicates:
            kept = _without_duplicates(truth, truth_class * len(videos) + truth_video)
            truth, truth_class, truth_video = truth[kept], truth_class[kept], truth_video[kept]
        row_class = _codes(predictions.labels, classes)
        rows = np.flatnonzero(row_class >= 0)
        rows = rows[_best_first(predictions.scores[rows], ties)]
        # numpy sorts short integers in linear time
        short = row_class[rows].astype(np.min_scalar_type(len(classes)))
        rows = rows[np.argsort(short, kind='stable')]
        return cls(
            tuple(classes),
            truth,
            truth_class,
            truth_video,
            predictions.segments[rows],
            row_class[rows],
            _codes(predictions.videos, videos)[rows],
        )

    @property
    def truth_counts(self) -> np.ndarray:
        """Annotated segments of each class."""
        return np.bincount(self.truth_class, minlength=len(self.classes))

    @property
    def truth_group(self) -> np.ndarray:
        """Number of the class and video of each annotated segment."""
        return self._group(self.truth_class, self.truth_video)

    @property
    def row_group(self) -> np.ndarray:
        """The same of each detection; -1 for videos without annotation."""
        return np.where(self.row_video < 0, -1, self._group(self.row_class, self.row_video))

    def pairs(self, lowest: float, rows: np.ndarray | None = None) -> 'Pairs':
        """Detections and annotated segments of one class and video, see :func:`overlapping`.

        Args:
            lowest: Smallest IoU.
            rows: Which detections; None: all.
        """
        rows = slice(None) if rows is None else rows
        found = self.segments[rows], self.row_group[rows]
        return overlapping(*found, self.truth, self.truth_group, lowest)

    def _group(self, classes: np.ndarray, videos: np.ndarray) -> np.ndarray:
        return classes * (self.truth_video.max() + 1) + videos


@dataclass(frozen=True)
class Pairs:
    """Detections and annotated segments that overlap, by rising detection, then falling IoU.

    Attributes:
        rows: Detection of each pair, int64, shape (p,).
        columns: Annotated segment of each, int64, shape (p,).
        iou: Their temporal IoU, shape (p,).
    """

    rows: np.ndarray
    columns: np.ndarray
    iou: np.ndarray


def temporal_iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Temporal IoU.

    Args:
        one: Begin and end, shape (..., 2).
        other: The same, of a shape that broadcasts.

    Returns:
        In [0, 1], shape (...); 0 where both have no length.
    """
    overlap = (
        np.minimum(one[..., 1], other[..., 1]) - np.maximum(one[..., 0], other[..., 0])
    ).clip(0)
    union = (one[..., 1] - one[..., 0]) + (other[..., 1] - other[..., 0]) - overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)


def overlapping(
    segments: np.ndarray,
    groups: np.ndarray,
    truth: np.ndarray,
    truth_groups: np.ndarray,
    lowest: float,
) -> Pairs:
    """Pairs of one group whose IoU is at least ``lowest``.

    Args:
        segments: Of detections, shape (n, 2).
        groups: Of each, an integer, -1 for none, shape (n,).
        truth: Annotated segments, shape (g, 2).
        truth_groups: Of each, not negative, shape (g,).
        lowest: Smallest IoU.

    Returns:
        The pairs; those of equal IoU in the order of ``truth``.
    """
    by_group = np.argsort(truth_groups, kind='stable')
    sizes = np.bincount(truth_groups, minlength=int(groups.max(initial=0)) + 1)
    first = np.cumsum(sizes) - sizes
    counts = np.where(groups < 0, 0, sizes[groups])
    found = []
    for part in _parts(counts):
        rows = np.repeat(part, counts[part])
        place = np.arange(len(rows)) - np.repeat(counts[part].cumsum() - counts[part], counts[part])
        columns = by_group[first[groups[rows]] + place]
        iou = temporal_iou(segments[rows], truth[columns])
        near = np.flatnonzero(iou >= lowest)
        found.append((rows[near], columns[near], iou[near]))
    empty = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    rows, columns, iou = (np.concatenate(each) for each in zip(empty, *found, strict=True))
    order = np.lexsort((-iou, rows))
    return Pairs(rows[order], columns[order], iou[order])


def right(pairs: Pairs, num_rows: int, num_columns: int, thresholds: np.ndarray) -> np.ndarray:
    """Which detections are right at each threshold.

    Detections choose one after another; each takes, of the annotated segments that are left, the
    one of highest IoU that reaches the threshold. Here all choose at once and a segment stays with
    the first of those who want it; the others go on to their next choice. That ends at the same
    matching, as all segments prefer detections in one order (Gale and Shapley, 1962).

    Args:
        pairs: Of the lowest threshold or a lower one.
        num_rows: Number of detections, the best first.
        num_columns: Number of annotated segments.
        thresholds: Of IoU, shape (t,).

    Returns:
        bool, shape (t, num_rows).
    """
    result = np.zeros((len(thresholds), num_rows), bool)
    for hits, threshold in zip(result, thresholds, strict=True):
        reached = np.flatnonzero(pairs.iou >= threshold)
        rows, columns = pairs.rows[reached], pairs.columns[reached]
        # a pair stands for its detection: pairs of one detection lie side by side
        wanted = np.flatnonzero(np.diff(rows, prepend=-1))
        holder = np.full(num_columns, len(rows))
        while len(wanted):
            before = holder[columns[wanted]]
            np.minimum.at(holder, columns[wanted], wanted)
            lost = np.concatenate(
                [
                    wanted[holder[columns[wanted]] != wanted],
                    np.unique(before[before != holder[columns[wanted]]]),
                ]
            )
            lost = lost[lost < len(rows) - 1] + 1
            wanted = lost[rows[lost] == rows[lost - 1]]
        hits[rows[holder[holder < len(rows)]]] = True
    return result


def _known(values: Iterable[Hashable]) -> dict[Hashable, int]:
    return {value: place for place, value in enumerate(dict.fromkeys(_plain(values)))}


def _codes(values: Sequence[Hashable] | np.ndarray, known: dict[Hashable, int]) -> np.ndarray:
    return np.fromiter(map(known.get, _plain(values), repeat(-1)), np.int64, len(values))


def _plain(values: Iterable[Hashable]) -> Iterable[Hashable]:
    return values.tolist() if isinstance(values, np.ndarray) else values


def _best_first(scores: np.ndarray, ties: str) -> np.ndarray:
    if ties == 'first':
        return np.argsort(-scores, kind='stable')
    return np.argsort(scores, kind='stable')[::-1]


def _without_duplicates(segments: np.ndarray, groups: np.ndarray) -> list[int]:
    kept: list[int] = []
    members: dict[int, list[list[float]]] = {}
    for index, (begin, end) in enumerate(segments.tolist()):
        others = members.setdefault(int(groups[index]), [])
        if not any(abs(begin - b) <= _SAME_S and abs(end - e) <= _SAME_S for b, e in others):
            others.append([begin, end])
            kept.append(index)
    return kept


def _parts(counts: np.ndarray) -> Iterator[np.ndarray]:
    """Indices that have counts, in parts of about as many pairs as are handled at once."""
    rows = np.flatnonzero(counts)
    if len(rows):
        ends = counts[rows].cumsum()
        yield from np.split(rows, np.searchsorted(ends, np.arange(_CHUNK, ends[-1], _CHUNK)))
