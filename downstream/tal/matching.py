"""Which detections overlap with which annotated segments, and which are right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_CHUNK = 1 << 18  # pairs at once: bounds the memory, and they stay in the cache


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


def _parts(counts: np.ndarray) -> Iterator[np.ndarray]:
    """Indices that have counts, in parts of about as many pairs as are handled at once."""
    rows = np.flatnonzero(counts)
    if len(rows):
        ends = counts[rows].cumsum()
        yield from np.split(rows, np.searchsorted(ends, np.arange(_CHUNK, ends[-1], _CHUNK)))
