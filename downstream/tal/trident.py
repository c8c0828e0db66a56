"""Boundaries as expectations over bins: the trident head of TriDet (Shi et al., CVPR 2023)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def trident_distances(start: Tensor, end: Tensor, centre: Tensor, mask: Tensor | None = None) -> (
        Tensor):  # fmt: skip
    """Expected distances from every point to the begin and end of an action of each class.

    The begin of an action at point t is one of ``t - bins, ..., t``; its chances are a softmax over
    the start logits there plus the point's own offsets. Likewise the end, forwards. Neighbours
    beyond the sequence, or masked, have the logit 0, as in the official code.

    Args:
        start: Logits that an action of a class begins at a point, shape (B, K, T).
        end: Likewise that it ends there.
        centre: Offsets of each point, for the ``bins + 1`` places to the left, then to the right,
            shape (B, 2 * (bins + 1), T).
        mask: Which points are part of the video, bool, shape (B, T).

    Returns:
        Distances in strides of the level, within [0, bins], shape (B, T, K, 2).

    Raises:
        ValueError: The shapes do not fit each other.
    """
    if start.shape != end.shape or centre.shape[1] % 2 or centre.shape[2] != start.shape[2]:
        raise ValueError(f'start {tuple(start.shape)}, end {tuple(end.shape)}, centre '
                         f'{tuple(centre.shape)}; expected (B, K, T) twice and (B, 2 * (bins + 1), '
                         'T)')  # fmt: skip
    bins = centre.shape[1] // 2 - 1
    if mask is not None:
        start, end = (logits.masked_fill(~mask[:, None], 0) for logits in (start, end))
    before = F.pad(start, (bins, 0)).unfold(2, bins + 1, 1)  # (B, K, T, bins + 1)
    after = F.pad(end, (0, bins)).unfold(2, bins + 1, 1)
    left, right = centre.transpose(1, 2)[:, None].split(bins + 1, 3)
    steps = torch.arange(bins + 1, dtype=start.dtype, device=start.device)
    to_begin = (before + left).softmax(3) @ steps.flip(0)
    to_end = (after + right).softmax(3) @ steps
    return torch.stack([to_begin, to_end], 3).transpose(1, 2)
