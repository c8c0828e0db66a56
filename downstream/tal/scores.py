"""All numbers of a test of temporal localisation: mAP, recall, and kinds of errors."""

import logging
import os
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmengine.logging import print_log
from numpy.typing import ArrayLike

from .annotations import read_predictions
from .ranking import Ranking, Segments, overlapping, right

TIOUS = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Thresholds of THUMOS14."""
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
    """Mean average precision over classes, interpolated, by the ActivityNet protocol.

    In each class, predictions of all videos are taken from the highest score down. One is right
    when it reaches the threshold of temporal IoU (equality counts) with an annotated segment of its
    video and class that none before took; it tries them by falling IoU. AP is the area under the
    precision-recall curve with precision made non-increasing. Classes without annotation take no
    part.

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
    thresholds = _checked_tious(tious)
    ranking = Ranking.of(ground_truth, predictions, ties, drop_duplicates)
    pairs = ranking.pairs(thresholds.min())
    hits = right(pairs, len(ranking.segments), len(ranking.truth), thresholds)
    totals = ranking.truth_counts
    bounds = np.searchsorted(ranking.row_class, np.arange(len(totals) + 1))
    spans = zip(ranking.classes, totals, bounds, bounds[1:], strict=False)
    per_class = {
        label: np.array([_area(each[first:last], total) for each in hits])
        for label, total, first, last in spans
    }
    return MeanAveragePrecision(tuple(thresholds.tolist()), per_class)


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
        ValueError: As :func:`temporal_map`, or another ``k``.
    """
    thresholds, multiples = _checked_tious(tious), np.atleast_1d(k)
    if not multiples.size or multiples.dtype.kind not in 'iu' or (multiples < 1).any():
        raise ValueError(f'k is {multiples.tolist()}; expected whole numbers of at least 1')
    ranking = Ranking.of(ground_truth, predictions, ties, drop_duplicates)
    groups, truth_groups = ranking.row_group, ranking.truth_group
    sizes = np.bincount(truth_groups, minlength=int(groups.max(initial=0)) + 1)
    # how many detections of the same group stand before each
    order = np.argsort(groups, kind='stable')
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(groups)) - np.searchsorted(groups[order], groups[order])
    totals = ranking.truth_counts
    result = np.zeros((len(thresholds), len(multiples)))
    for column, multiple in enumerate(multiples.tolist()):
        best = np.flatnonzero((groups >= 0) & (ranks < multiple * sizes[groups]))
        pairs = ranking.pairs(thresholds.min(), best)
        highest = np.zeros(len(ranking.truth))
        np.maximum.at(highest, pairs.columns, pairs.iou)
        for row, threshold in enumerate(thresholds):
            found = np.bincount(ranking.truth_class[highest >= threshold], minlength=len(totals))
            result[row, column] = (found / totals).mean()
    return result


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
    part. A detection is a ``true_positive`` when :func:`temporal_map` counts it as right at
    ``tiou``. For any other, the annotated segment of its video, of whatever class, with the highest
    temporal IoU decides:

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
        ValueError: As :func:`temporal_map`, or another number of multiples.
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
    own = ranking.pairs(tiou)
    hits = right(own, len(ranking.segments), len(ranking.truth), np.array([tiou]))[0]
    best = np.flatnonzero(multiple < multiples)
    errors = _errors(ranking, best, tiou, background, own_first)
    kinds = np.where(hits[best], KINDS.index('true_positive'), errors)
    cells = multiple[best] * len(KINDS) + kinds
    counts = np.bincount(cells, minlength=multiples * len(KINDS))
    return FalsePositives(counts.reshape(multiples, len(KINDS)))


def temporal_scores(
    ground_truth: Segments,
    predictions: Segments,
    classes: Sequence[str],
    tious: ArrayLike = TIOUS,
    *,
    ties: str = 'last',
    drop_duplicates: bool = True,
    recall_tiou: ArrayLike = (0.5,),
    recall_k: Sequence[int] = (1, 5),
    breakdown: bool = True,
    breakdown_tiou: float = 0.5,
    per_class: bool = False,
) -> dict[str, float]:
    """Scores in percent, by the names that :class:`~.metric.TemporalMAP` lists.

    Args:
        ground_truth: The annotation; labels are indices of ``classes``.
        predictions: With scores; labels likewise.
        classes: Names.
        tious: Thresholds of mAP.
        ties: See :meth:`~.ranking.Ranking.of`.
        drop_duplicates: See there.
        recall_tiou: Thresholds of recall.
        recall_k: See :func:`recall_at`; empty for no recall.
        breakdown: Whether wrong detections are told apart.
        breakdown_tiou: Threshold of that.
        per_class: Also AP of each annotated class.

    Returns:
        Name -> percent.

    Raises:
        ValueError: As :func:`temporal_map`.
    """
    same = dict(ties=ties, drop_duplicates=drop_duplicates)
    found = temporal_map(ground_truth, predictions, tious, **same)
    scores = {'mAP': found.mean}
    scores |= {f'mAP@{tiou:g}': value for tiou, value in zip(found.tious, found.at, strict=True)}
    if len(recall_k):
        thresholds = _checked_tious(recall_tiou)
        recall = recall_at(ground_truth, predictions, thresholds, recall_k, **same)
        for tiou, row in zip(thresholds, recall, strict=True):
            scores |= {f'recall@{k}x@{tiou:g}': v for k, v in zip(recall_k, row, strict=True)}
    if breakdown:
        shares = false_positives(ground_truth, predictions, breakdown_tiou, **same).shares
        scores |= {f'fp_{kind}': shares[kind] for kind in KINDS[1:]}
    if per_class:
        values = sorted(found.per_class.items())
        scores |= {f'AP_{classes[label]}': value.mean() for label, value in values}
    return {name: round(100 * float(value), 4) for name, value in scores.items()}


def evaluate_file(
    path: str | os.PathLike,
    ground_truth: Segments,
    classes: Sequence[str],
    videos: Collection[str] | None = None,
    **options: Any,
) -> dict[str, float]:
    """Scores of a file of detections.

    Args:
        path: See :func:`~.annotations.read_predictions`.
        ground_truth: The annotation; labels are indices of ``classes``.
        classes: Names of all classes.
        videos: Names of all annotated videos; None: those of ``ground_truth``.
        **options: Of :func:`temporal_scores`.

    Returns:
        Name -> percent. Actions of videos without a detection count; a warning tells of them.

    Raises:
        DatasetError: As :func:`read_predictions`.
        ValueError: As :func:`temporal_scores`.
    """
    if videos is None:
        videos = list(dict.fromkeys(ground_truth.videos))
    predictions = read_predictions(path, classes, videos)
    shown = set(ground_truth.videos)
    silent = sorted(shown - set(predictions.videos))
    if silent:
        print_log(
            f'{path}: no detection in {len(silent)} of the {len(shown)} videos with actions, '
            f'as {silent[0]!r}: their actions count as missed',
            'current',
            logging.WARNING,
        )
    return temporal_scores(ground_truth, predictions, classes, **options)


def _checked_tious(tious: ArrayLike) -> np.ndarray:
    """Thresholds of temporal IoU as an array, float64, shape (t,)."""
    thresholds = np.atleast_1d(np.asarray(tious, np.float64))
    within = (thresholds > 0) & (thresholds <= 1)
    if not thresholds.size or thresholds.ndim > 1 or not within.all():
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


def _errors(
    ranking: Ranking, rows: np.ndarray, tiou: float, background: float, own_first: bool
) -> np.ndarray:
    """Kind of each detection, if it is wrong."""
    found, videos = ranking.segments[rows], ranking.row_video[rows]
    pairs = overlapping(found, videos, ranking.truth, ranking.truth_video, background)
    same = ranking.truth_class[pairs.columns] == ranking.row_class[rows][pairs.rows]
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
