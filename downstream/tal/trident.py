"""Boundaries as expectations over bins: the trident head of TriDet (Shi et al., CVPR 2023)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def trident_distances(
    start: Tensor, end: Tensor, centre: Tensor, videos: Tensor, points: Tensor, labels: Tensor
) -> Tensor:
    """Expected distances from chosen points to the begin and end of an action of a class.

    The begin of an action at point t is one of ``t - bins, ..., t``; its chances are a softmax over
    the start logits there plus the point's own offsets. Likewise the end, forwards. Neighbours
    beyond the sequence have the logit 0, as in the official code (and heads give 0 where masked).

    The official code computes every point and class and keeps a few.

    Args:
        start: Logits that an action of a class begins at a point, shape (B, K, T).
        end: Likewise that it ends there.
        centre: Offsets of each point, for the ``bins + 1`` places to the left, then to the right,
            shape (B, 2 * (bins + 1), T).
        videos: Which of the B, int64, shape (n,).
        points: Which of the T, int64, shape (n,).
        labels: Which of the K, int64, shape (n,).

    Returns:
        Distances in strides of the level, within [0, bins], shape (n, 2).

    Raises:
        ValueError: The shapes do not fit each other.
    """
    if start.shape != end.shape or centre.shape[1] % 2 or centre.shape[2] != start.shape[2]:
        raise ValueError(
            f'start {tuple(start.shape)}, end {tuple(end.shape)}, centre '
            f'{tuple(centre.shape)}; expected (B, K, T) twice and (B, 2 * (bins + 1), '
            'T)'
        )
    bins = centre.shape[1] // 2 - 1
    steps = torch.arange(bins + 1, device=start.device)
    row, column = (videos[:, None], labels[:, None]), points[:, None] + steps
    before = F.pad(start, (bins, 0))[(*row, column)]  # (n, bins + 1)
    after = F.pad(end, (0, bins))[(*row, column)]
    left, right = centre[videos, :, points].split(bins + 1, 1)
    far = steps.to(start.dtype)
    to_begin = (before + left).softmax(1) @ far.flip(0)
    to_end = (after + right).softmax(1) @ far
    return torch.stack([to_begin, to_end], 1)
