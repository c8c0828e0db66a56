"""Annotated and detected segments, and a test of both in numbers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np

TIES = ('last', 'first')
_SAME_S = 1e-3  # ends of two annotations that are one


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
        lengths = {len(self.videos), len(segments), len(self.labels)}
        if self.scores is not None:
            object.__setattr__(self, 'scores', np.asarray(self.scores, np.float64))
            lengths.add(len(self.scores))
        if len(lengths) > 1:
            raise ValueError(
                f'videos, segments, labels and scores differ in number: {sorted(lengths)}'
            )
        if not np.isfinite(segments).all() or (
            self.scores is not None and not np.isfinite(self.scores).all()
        ):
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
    ) -> Ranking:
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
        if ties not in TIES:
            raise ValueError(f'ties is {ties!r}; expected one of {", ".join(TIES)}')
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

    def _group(self, classes: np.ndarray, videos: np.ndarray) -> np.ndarray:
        return classes * (self.truth_video.max() + 1) + videos


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
    for index, (group, (begin, end)) in enumerate(
        zip(groups.tolist(), segments.tolist(), strict=True)
    ):
        others = members.setdefault(group, [])
        if not any(abs(begin - b) <= _SAME_S and abs(end - e) <= _SAME_S for b, e in others):
            others.append([begin, end])
            kept.append(index)
    return kept
