"""Non-maximum suppression of segments without a build step: hard, soft, and voting.

All functions take segments of one video on any axis (seconds or snippets), as float tensors on any
device, and treat all classes at once.
"""

from __future__ import annotations

import torch
from torch import Tensor

_LENGTH = 1e-6
"""Added to every length, as published code does: segments of no length have an IoU then."""


def segment_iou(one: Tensor, other: Tensor) -> Tensor:
    """Temporal IoU.

    Args:
        one: Begin and end, shape (..., 2).
        other: The same, of a shape that broadcasts.

    Returns:
        In [0, 1], shape (...).
    """
    overlap = (torch.minimum(one[..., 1], other[..., 1])
               - torch.maximum(one[..., 0], other[..., 0])).clamp_min(0)  # fmt: skip
    lengths = (one[..., 1] - one[..., 0] + _LENGTH) + (other[..., 1] - other[..., 0] + _LENGTH)
    return overlap / (lengths - overlap)


def nms(segments: Tensor, scores: Tensor, labels: Tensor | None = None,
        iou_threshold: float = 0.5, max_segments: int = 2000) -> Tensor:  # fmt: skip
    """Hard suppression: of segments that overlap, the best one stays.

    Args:
        segments: Shape (n, 2).
        scores: Shape (n,).
        labels: Class of each, int64, shape (n,); segments of other classes do not suppress each
            other. None: all are of one.
        iou_threshold: IoU from which the weaker segment goes.
        max_segments: Best ones that stay.

    Returns:
        Indices of those that stay, best first.
    """
    _check(segments, scores, labels)
    order = torch.argsort(scores, descending=True, stable=True)
    kept: list[int] = []
    alive = torch.ones(len(order), dtype=torch.bool, device=scores.device)
    sorted_segments = segments[order]
    sorted_labels = None if labels is None else labels[order]
    for place in range(len(order)):
        if not alive[place]:
            continue
        kept.append(int(order[place]))
        over = segment_iou(sorted_segments[place], sorted_segments) >= iou_threshold
        if sorted_labels is not None:
            over &= sorted_labels == sorted_labels[place]
        alive &= ~over
        if len(kept) == max_segments:
            break
    return torch.tensor(kept, dtype=torch.int64, device=scores.device)


def soft_nms(
    segments: Tensor, scores: Tensor, labels: Tensor | None = None, sigma: float = 0.5,
    min_score: float = 0.001, max_segments: int = 2000,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Gaussian soft suppression (Bodla et al., ICCV 2017), as ActionFormer and TriDet use it.

    In each class the best segment is taken, and the scores of the others fall by
    ``exp(-IoU^2 / sigma)``, again and again. Those below ``min_score`` go, but for the first of a
    class. Classes are independent and are treated side by side.

    Args:
        segments: Shape (n, 2).
        scores: Shape (n,).
        labels: Class of each, int64, shape (n,); None: all are of one.
        sigma: Width of the fall.
        min_score: Score from which a segment stays.
        max_segments: Best ones that stay, of each class and of all.

    Returns:
        Segments, scores and labels of those that stay, best first.
    """
    _check(segments, scores, labels)
    given = torch.zeros_like(scores, dtype=torch.int64) if labels is None else labels
    if not len(segments):
        return segments, scores, given
    kinds, place = given.unique(return_inverse=True)
    table, members = _by_class(place, len(kinds))
    boxes, left = segments[table], torch.where(members, scores[table], -torch.inf)
    taken_segments, taken_scores, taken_labels = [], [], []
    rows = torch.arange(len(kinds), device=scores.device)
    for number in range(min(max_segments, table.shape[1])):
        best = left.argmax(1)
        value = left[rows, best]
        going = torch.isfinite(value)
        if not going.any():
            break
        chosen = boxes[rows, best]
        taken_segments.append(chosen[going])
        taken_scores.append(value[going])
        taken_labels.append(kinds[going])
        left[rows, best] = -torch.inf
        fall = torch.exp(-segment_iou(chosen[:, None], boxes).square() / sigma)
        left = left * fall
        left = torch.where(left < min_score, -torch.inf, left)
        if number % 32 == 31 and len(rows) > 1:  # classes that are done need no more work
            still = torch.isfinite(left).any(1)
            rows, kinds, boxes, left = (rows[:int(still.sum())], kinds[still], boxes[still],
                                        left[still])  # fmt: skip
            if not len(rows):
                break
    found = (torch.cat(taken_segments), torch.cat(taken_scores), torch.cat(taken_labels))
    order = torch.argsort(found[1], descending=True, stable=True)[:max_segments]
    return found[0][order], found[1][order], found[2][order]


def vote(kept: Tensor, segments: Tensor, scores: Tensor, iou_threshold: float = 0.7,
         by_overlap: bool = False) -> Tensor:  # fmt: skip
    """Move each segment to the mean of all that lie over it, weighted by their scores.

    Args:
        kept: Segments that a suppression left, shape (m, 2).
        segments: All segments before it, shape (n, 2).
        scores: Their scores, shape (n,).
        iou_threshold: IoU from which a segment votes.
        by_overlap: Weight by score and IoU, as ActionFormer; else by score alone, as TriDet.

    Returns:
        Shape (m, 2).
    """
    iou = segment_iou(kept[:, None], segments[None])
    weight = torch.where(iou >= iou_threshold, scores[None], 0.0)
    weight = weight * iou if by_overlap else weight
    return weight @ segments / weight.sum(1, keepdim=True).clamp_min(torch.finfo(iou.dtype).tiny)


def _by_class(place: Tensor, kinds: int) -> tuple[Tensor, Tensor]:
    """Indices of the members of each class, (kinds, most), and which of them are members."""
    order = torch.argsort(place, stable=True)
    counts = torch.bincount(place, minlength=kinds)
    starts = counts.cumsum(0) - counts
    column = torch.arange(int(counts.max()), device=place.device)
    members = column < counts[:, None]
    table = order[(starts[:, None] + column).clamp_max(len(order) - 1)]
    return table, members


def _check(segments: Tensor, scores: Tensor, labels: Tensor | None) -> None:
    if segments.ndim != 2 or segments.shape[1] != 2 or scores.shape != segments.shape[:1] or (
            labels is not None and labels.shape != scores.shape):
        raise ValueError(f'segments of shape {tuple(segments.shape)} and scores of shape '
                         f'{tuple(scores.shape)}; expected (n, 2) and (n,), and one label for '
                         'each')  # fmt: skip
