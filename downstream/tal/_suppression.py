"""Suppression of checked segments: compiled on the CPU where numba is installed, else in PyTorch.

Both ways do the same operations in the same precision and break ties alike.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

KERNELS = ('auto', 'numba', 'torch')
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
    overlap = (
        torch.minimum(one[..., 1], other[..., 1]) - torch.maximum(one[..., 0], other[..., 0])
    ).clamp_min(0)
    lengths = (one[..., 1] - one[..., 0] + _LENGTH) + (other[..., 1] - other[..., 0] + _LENGTH)
    return overlap / (lengths - overlap)


def soft_suppression(
    segments: Tensor,
    scores: Tensor,
    kinds: Tensor,
    sigma: float,
    min_score: float,
    max_segments: int,
    kernel: str,
) -> tuple[Tensor, Tensor]:
    """Gaussian soft suppression in each class.

    Args:
        segments: Shape (n, 2), at least one.
        scores: Shape (n,).
        kinds: Class of each, 0, 1, ... without a gap, shape (n,).
        sigma: Width of the fall.
        min_score: Score from which a segment stays.
        max_segments: Best ones that stay of each class.
        kernel: One of :data:`KERNELS`.

    Returns:
        Indices and new scores of those that stay, class by class, best first.
    """
    dtype = torch.promote_types(segments.dtype, scores.dtype)
    boxes, scores = segments.detach().to(dtype), scores.detach().to(dtype)
    compiled = _compiled(kernel, boxes)
    if compiled is None:
        return _soft(boxes, scores, kinds, sigma, min_score, max_segments)
    begin, end = _ends(boxes)
    scalar = begin.dtype.type
    found = compiled.soft_suppression(
        begin,
        end,
        np.ascontiguousarray(scores),
        np.argsort(begin),
        np.ascontiguousarray(kinds),
        int(kinds.max()) + 1,
        scalar(sigma),
        scalar(min_score),
        max_segments,
        scalar(_LENGTH),
    )
    return torch.from_numpy(found[0]), torch.from_numpy(found[1])


def hard_suppression(
    segments: Tensor,
    scores: Tensor,
    kinds: Tensor,
    iou_threshold: float,
    max_segments: int,
    kernel: str,
) -> Tensor:
    """Hard suppression in each class.

    Args:
        segments: Shape (n, 2).
        scores: Shape (n,).
        kinds: Class of each, 0, 1, ... without a gap, shape (n,).
        iou_threshold: IoU from which the weaker segment goes.
        max_segments: Best ones that stay.
        kernel: One of :data:`KERNELS`.

    Returns:
        Indices of those that stay, best first.
    """
    boxes = segments.detach()
    order = torch.argsort(scores, descending=True, stable=True)
    compiled = _compiled(kernel, boxes)
    if compiled is None or not len(order):
        return _hard(boxes, order, kinds, iou_threshold, max_segments)
    begin, end = _ends(boxes)
    scalar = begin.dtype.type
    return torch.from_numpy(
        compiled.hard_suppression(
            begin,
            end,
            order.numpy(),
            np.ascontiguousarray(kinds),
            int(kinds.max()) + 1,
            scalar(iou_threshold),
            max_segments,
            scalar(_LENGTH),
        )
    )


def _ends(segments: Tensor) -> tuple[np.ndarray, np.ndarray]:
    return np.ascontiguousarray(segments[:, 0]), np.ascontiguousarray(segments[:, 1])


def _compiled(kernel: str, segments: Tensor) -> ModuleType | None:
    """The compiled functions where they are wanted and fit the segments, else None."""
    if kernel not in KERNELS:
        raise ValueError(f'kernel is {kernel!r}; expected one of {", ".join(KERNELS)}')
    fits = segments.device.type == 'cpu' and segments.dtype in (torch.float32, torch.float64)
    if kernel == 'torch' or (kernel == 'auto' and not fits):
        return None
    if not fits:
        raise ValueError(
            f"kernel 'numba' takes float32 and float64 on the CPU, not "
            f"{segments.dtype} on {segments.device}: use 'auto'"
        )
    found = _import_compiled()
    if found is None and kernel == 'numba':
        raise ImportError('kernel \'numba\' needs numba: pip install "albar_mm[fast]"')
    return found


@cache
def _import_compiled() -> ModuleType | None:
    try:
        return import_module('._numba_kernels', __package__)
    except (ImportError, OSError):  # absent, or not for this numpy or system
        return None


def _soft(
    segments: Tensor,
    scores: Tensor,
    kinds: Tensor,
    sigma: float,
    min_score: float,
    max_segments: int,
) -> tuple[Tensor, Tensor]:
    table, members = _by_class(kinds)
    boxes, left = segments[table], torch.where(members, scores[table], -torch.inf)
    numbers = torch.arange(len(table), device=scores.device)
    taken, values, classes = [], [], []
    for number in range(min(max_segments, table.shape[1])):
        rows = torch.arange(len(table), device=scores.device)
        best = left.argmax(1)
        value = left[rows, best]
        going = torch.isfinite(value)
        if not going.any():
            break
        chosen = boxes[rows, best]
        taken.append(table[rows, best][going])
        values.append(value[going])
        classes.append(numbers[going])
        left[rows, best] = -torch.inf
        left = left * torch.exp(-segment_iou(chosen[:, None], boxes).square() / sigma)
        left = torch.where(left < min_score, -torch.inf, left)
        if number % 32 == 31 and len(table) > 1:  # classes that are done need no more work
            still = torch.isfinite(left).any(1)
            table, boxes, left, numbers = table[still], boxes[still], left[still], numbers[still]
    order = torch.argsort(torch.cat(classes), stable=True)
    return torch.cat(taken)[order], torch.cat(values)[order]


def _hard(
    segments: Tensor, order: Tensor, kinds: Tensor, iou_threshold: float, max_segments: int
) -> Tensor:
    kept: list[int] = []
    alive = torch.ones(len(order), dtype=torch.bool, device=order.device)
    segments, kinds = segments[order], kinds[order]
    for place in range(len(order)):
        if len(kept) == max_segments:
            break
        if not alive[place]:
            continue
        kept.append(place)
        over = segment_iou(segments[place], segments) >= iou_threshold
        alive &= ~(over & (kinds == kinds[place]))
    return order[torch.tensor(kept, dtype=torch.int64, device=order.device)]


def _by_class(kinds: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of the members of each class, (kinds, most), and which of them are members."""
    order = torch.argsort(kinds, stable=True)
    counts = torch.bincount(kinds)
    starts = counts.cumsum(0) - counts
    column = torch.arange(int(counts.max()), device=kinds.device)
    members = column < counts[:, None]
    table = order[(starts[:, None] + column).clamp_max(len(order) - 1)]
    return table, members
