"""Attention of each snippet to those around it, as in Longformer (Beltagy et al., 2020)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK = 32
"""Queries that share one slice of keys."""


def local_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor, window: int, block: int = BLOCK
) -> Tensor:
    """``softmax(q k / sqrt(d)) v`` over the keys of a window around each query.

    Queries stand in blocks; each block sees its own keys and those of half a window to both sides,
    which leaves time and memory linear in T.

    Args:
        query: Shape (B, T, H, d), of H heads.
        key: As ``query``.
        value: As ``query``.
        mask: Which snippets are part of the video, bool, shape (B, T); the others are no keys.
        window: Keys of a query, odd; fewer at both ends.
        block: Queries of a block; it changes nothing but time and memory.

    Returns:
        Shape (B, T, H, d). A query outside the video gets some finite value.

    Raises:
        ValueError: ``window`` is even, or not positive.
    """
    if window < 1 or window % 2 == 0:
        raise ValueError(f'window {window}: expected an odd number of snippets, such as 19')
    (batch, length, heads, width), side = query.shape, window // 2
    block = min(block, length)
    blocks = -(-length // block)
    missing = blocks * block - length
    # a slice that begins with a block begins half a window before its first query
    slices = [
        F.pad(each, (0, 0, 0, 0, side, side + missing))
        .unfold(1, block + 2 * side, block)
        .permute(0, 1, 2, 4, 3)
        .flatten(0, 1)
        for each in (key, value)
    ]
    queries = F.pad(query, (0, 0, 0, 0, 0, missing)).view(batch * blocks, block, heads, width)
    seen = F.pad(mask, (side, side + missing)).unfold(1, block + 2 * side, block).flatten(0, 1)
    offset = (
        torch.arange(block + 2 * side, device=mask.device)
        - torch.arange(side, side + block, device=mask.device)[:, None]
    )
    # every query sees itself: a softmax over nothing would be NaN
    seen = seen[:, None, None] & (offset.abs() <= side) | (offset == 0)
    out = F.scaled_dot_product_attention(queries.transpose(1, 2), *slices, attn_mask=seen)
    return out.transpose(1, 2).reshape(batch, blocks * block, heads, width)[:, :length]
