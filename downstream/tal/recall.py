"""Recall of the best detections of each video, as many as it has actions or a multiple of that."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .average_precision import TIOUS, checked_tious
from .matching import overlapping
from .ranking import Ranking, Segments


def recall_at(
    ground_truth: Segments,
    predictions: Segments,
    tious: ArrayLike = TIOUS,
    k: ArrayLike = (1, 5),
    *,
    ties: str = 'last',
    drop_duplicates: bool = True,
) -> np.ndarray:
    """Recall@kx, as ActionFormer's evaluation reports it beside mAP.

    Of each class and video with g annotated segments of that class, the ``k * g`` detections of
    that class with the highest scores are taken. An annotated segment is found when the temporal
    IoU of one of them reaches the threshold (equality counts); a detection may find several. The
    recall of a class is the share of its segments, of all videos, that are found; the result is
    the mean over the annotated classes.

    Args:
        ground_truth: The annotation.
        predictions: With scores.
        tious: Thresholds.
        k: Multiples, whole numbers of at least 1.
        ties: See :meth:`~.ranking.Ranking.of`.
        drop_duplicates: See there.

    Returns:
        In [0, 1], shape (thresholds, multiples).

    Raises:
        ValueError: There is no annotation, predictions have no scores, or another ``ties``,
            threshold or ``k``.
    """
    thresholds, multiples = checked_tious(tious), np.atleast_1d(k)
    if not multiples.size or multiples.dtype.kind not in 'iu' or (multiples < 1).any():
        raise ValueError(f'k is {multiples.tolist()}; expected whole numbers of at least 1')
    ranking = Ranking.of(ground_truth, predictions, ties, drop_duplicates)
    groups, truth_groups = ranking.row_group, ranking.truth_group
    sizes = np.bincount(truth_groups, minlength=int(groups.max(initial=0)) + 1)
    ranks = _ranks(groups)
    totals = ranking.truth_counts
    result = np.zeros((len(thresholds), len(multiples)))
    for column, multiple in enumerate(multiples.tolist()):
        best = np.flatnonzero((groups >= 0) & (ranks < multiple * sizes[groups]))
        pairs = overlapping(
            ranking.segments[best], groups[best], ranking.truth, truth_groups, thresholds.min()
        )
        highest = np.zeros(len(ranking.truth))
        np.maximum.at(highest, pairs.columns, pairs.iou)
        for row, threshold in enumerate(thresholds):
            found = np.bincount(ranking.truth_class[highest >= threshold], minlength=len(totals))
            result[row, column] = (found / totals).mean()
    return result


def _ranks(groups: np.ndarray) -> np.ndarray:
    """How many entries of the same group stand before each."""
    order = np.argsort(groups, kind='stable')
    ordered = groups[order]
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(groups)) - np.searchsorted(ordered, ordered)
    return ranks
