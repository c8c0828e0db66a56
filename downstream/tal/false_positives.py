"""What the best detections are that are wrong, after DETAD."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .matching import overlapping, right
from .ranking import Ranking, Segments

KINDS = (
    'true_positive',
    'double_detection',
    'wrong_label',
    'localisation',
    'confusion',
    'background',
)
"""Right detections, then the kinds of wrong ones."""


@dataclass(frozen=True)
class FalsePositives:
    """Number of detections of each kind.

    Attributes:
        counts: int64, shape (multiples, kinds), kinds in the order of :data:`KINDS`. Row i counts,
            in each class with G annotated segments, the detections from place ``i * G`` on, up to
            and without ``(i + 1) * G``.
    """

    counts: np.ndarray

    @property
    def shares(self) -> dict[str, float]:
        """Share of each kind of all counted detections, in [0, 1]; 0 where there are none."""
        total = self.counts.sum(0)
        return dict(zip(KINDS, (total / max(total.sum(), 1)).tolist(), strict=True))

    @property
    def shares_by_multiple(self) -> np.ndarray:
        """Shares in each row of ``counts``, shape (multiples, kinds): DETAD's profile."""
        return self.counts / np.maximum(self.counts.sum(1, keepdims=True), 1)


def false_positives(
    ground_truth: Segments,
    predictions: Segments,
    tiou: float = 0.5,
    background: float = 0.1,
    multiples: int = 10,
    *,
    own_first: bool = True,
    ties: str = 'last',
    drop_duplicates: bool = True,
) -> FalsePositives:
    """Tell the kinds of errors of the best detections apart.

    As the false positive profile of DETAD (Alwassel et al., "Diagnosing Error in Temporal Action
    Detectors", ECCV 2018, section 4, and the published code). Of each class with G annotated
    segments, the ``multiples * G`` detections of highest score are looked at; other classes take no
    part. A detection is a ``true_positive`` when :func:`~.average_precision.temporal_map` counts it
    as right at ``tiou``. For any other, the annotated segment of its video, of whatever class, with
    the highest temporal IoU decides:

    ====================  =======================  ======================
    IoU of that segment   it has the same class    it has another class
    ====================  =======================  ======================
    ``>= tiou``           ``double_detection``     ``wrong_label``
    ``>= background``     ``localisation``         ``confusion``
    lower, or no segment  ``background``           ``background``
    ====================  =======================  ======================

    Of equal IoU, as where two classes share a segment (in THUMOS14 every CliffDiving is a Diving
    too), a segment of the same class decides. ``own_first=False, drop_duplicates=False`` gives the
    counts of the published code.

    Args:
        ground_truth: The annotation.
        predictions: With scores.
        tiou: IoU from which a detection is right.
        background: IoU below which it is on no action.
        multiples: Of G.
        own_first: False: of equal IoU the annotated segment decides that is listed first.
        ties: See :meth:`~.ranking.Ranking.of`.
        drop_duplicates: See there.

    Raises:
        ValueError: There is no annotation, predictions have no scores, or another ``ties``,
            threshold or number of multiples.
    """
    if not 0 < background <= tiou <= 1:
        raise ValueError(
            f'background is {background} and tiou {tiou}; expected 0 < background <= tiou <= 1'
        )
    if multiples < 1:
        raise ValueError(f'multiples is {multiples}; expected a whole number of at least 1')
    ranking = Ranking.of(ground_truth, predictions, ties, drop_duplicates)
    place = np.arange(len(ranking.segments)) - np.searchsorted(ranking.row_class, ranking.row_class)
    multiple = place // ranking.truth_counts[ranking.row_class]
    own = overlapping(ranking.segments, ranking.row_group, ranking.truth, ranking.truth_group, tiou)
    hits = right(own, len(ranking.segments), len(ranking.truth), np.array([tiou]))[0]
    best = np.flatnonzero(multiple < multiples)
    kinds = np.where(
        hits[best],
        KINDS.index('true_positive'),
        _errors(ranking, best, tiou, background, own_first),
    )
    cells = multiple[best] * len(KINDS) + kinds
    counts = np.bincount(cells, minlength=multiples * len(KINDS))
    return FalsePositives(counts.reshape(multiples, len(KINDS)))


def _errors(
    ranking: Ranking, rows: np.ndarray, tiou: float, background: float, own_first: bool
) -> np.ndarray:
    """Kind of each detection, if it is wrong."""
    classes = ranking.row_class[rows]
    pairs = overlapping(
        ranking.segments[rows],
        ranking.row_video[rows],
        ranking.truth,
        ranking.truth_video,
        background,
    )
    same = ranking.truth_class[pairs.columns] == classes[pairs.rows]
    kinds = np.full(len(rows), KINDS.index('background'))
    # of each detection the first pair; they come by falling IoU
    order = np.lexsort((~same, -pairs.iou, pairs.rows)) if own_first else np.arange(len(same))
    chosen = order[np.flatnonzero(np.diff(pairs.rows[order], prepend=-1))]
    same, reached = same[chosen], pairs.iou[chosen] >= tiou
    kinds[pairs.rows[chosen]] = np.select(
        [same & reached, reached, same],
        [KINDS.index(kind) for kind in ('double_detection', 'wrong_label', 'localisation')],
        KINDS.index('confusion'),
    )
    return kinds
