"""All numbers that are told of a test of temporal localisation."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from .average_precision import TIOUS, checked_tious, temporal_map
from .false_positives import KINDS, false_positives
from .ranking import Segments
from .recall import recall_at


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
        recall_k: See :func:`~.recall.recall_at`; empty for no recall.
        breakdown: Whether wrong detections are told apart.
        breakdown_tiou: Threshold of that.
        per_class: Also AP of each annotated class.

    Returns:
        Name -> percent.

    Raises:
        ValueError: As :func:`~.average_precision.temporal_map`.
    """
    same = dict(ties=ties, drop_duplicates=drop_duplicates)
    found = temporal_map(ground_truth, predictions, tious, **same)
    scores = {'mAP': found.mean}
    scores |= {
        f'mAP@{tiou:g}': value for tiou, value in zip(found.tious, found.at.tolist(), strict=True)
    }
    if len(recall_k):
        thresholds = checked_tious(recall_tiou)
        recall = recall_at(ground_truth, predictions, thresholds, recall_k, **same)
        scores |= {
            f'recall@{k}x@{tiou:g}': value
            for tiou, row in zip(thresholds, recall.tolist(), strict=True)
            for k, value in zip(recall_k, row, strict=True)
        }
    if breakdown:
        shares = false_positives(ground_truth, predictions, breakdown_tiou, **same).shares
        scores |= {f'fp_{kind}': shares[kind] for kind in KINDS[1:]}
    if per_class:
        scores |= {
            f'AP_{classes[label]}': float(values.mean())
            for label, values in sorted(found.per_class.items())
        }
    return {name: round(100 * value, 4) for name, value in scores.items()}
