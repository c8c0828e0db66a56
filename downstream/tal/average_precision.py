"""Mean average precision of detected segments, by the ActivityNet protocol."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .matching import overlapping, right
from .ranking import Ranking, Segments

__all__ = ['TIOUS', 'MeanAveragePrecision', 'Segments', 'checked_tious', 'temporal_map']

TIOUS = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Thresholds of THUMOS14."""


@dataclass(frozen=True)
class MeanAveragePrecision:
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
    ground_truth: Segments,
    predictions: Segments,
    tious: ArrayLike = TIOUS,
    *,
    ties: str = 'last',
    drop_duplicates: bool = True,
) -> MeanAveragePrecision:
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
        ties: See :meth:`~.ranking.Ranking.of`.
        drop_duplicates: See there.

    Raises:
        ValueError: There is no annotation, predictions have no scores, or another ``ties`` or
            threshold.
    """
    thresholds = checked_tious(tious)
    ranking = Ranking.of(ground_truth, predictions, ties, drop_duplicates)
    pairs = overlapping(
        ranking.segments, ranking.row_group, ranking.truth, ranking.truth_group, thresholds.min()
    )
    hits = right(pairs, len(ranking.segments), len(ranking.truth), thresholds)
    totals = ranking.truth_counts
    bounds = np.searchsorted(ranking.row_class, np.arange(len(totals) + 1))
    per_class = {
        label: np.array([_area(each[first:last], total) for each in hits])
        for label, total, first, last in zip(
            ranking.classes, totals, bounds, bounds[1:], strict=False
        )
    }
    return MeanAveragePrecision(tuple(thresholds.tolist()), per_class)


def checked_tious(tious: ArrayLike) -> np.ndarray:
    """Thresholds of temporal IoU as an array.

    Args:
        tious: One or several.

    Returns:
        float64, shape (t,).

    Raises:
        ValueError: There is none, or one is not above 0 and at most 1.
    """
    thresholds = np.atleast_1d(np.asarray(tious, np.float64))
    if (
        not thresholds.size
        or thresholds.ndim > 1
        or not ((thresholds > 0) & (thresholds <= 1)).all()
    ):
        raise ValueError(
            f'tious are {thresholds.tolist()}; expected one or more numbers above 0 and up to 1'
        )
    return thresholds


def _area(hits: np.ndarray, total: int) -> float:
    """Interpolated AP of predictions that come best first."""
    places = np.flatnonzero(hits)
    found = np.arange(1, len(places) + 1)
    # between two hits precision falls: its maximum from a place on lies at a hit
    envelope = np.maximum.accumulate((found / (places + 1))[::-1])[::-1]
    steps = np.zeros(len(hits))
    steps[places] = np.diff(found / total, prepend=0) * envelope
    return float(steps.sum())
