"""The feature pyramid of ActionFormer: local attention at each scale (Zhang et al., ECCV 2022)."""

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from .pyramid import ChannelLayerNorm, FeaturePyramid, TimeConv, TimeMaxPool, drop_path_of

BLOCK = 32
"""Queries that share one slice of keys."""


def local_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor, window: int, block: int = BLOCK
) -> Tensor:
    """``softmax(q k / sqrt(d)) v`` over the keys of a window around each query.

    As in Longformer (Beltagy et al., 2020). Queries stand in blocks; each block sees its own keys
    and those of half a window to both sides, which leaves time and memory linear in T.

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


class ConvLinear(nn.Module):
    """Depth-wise convolution, layer norm and a linear layer: queries, keys or values.

    Args:
        channels: C.
        stride: 2 halves the length.
    """

    def __init__(self, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = TimeConv(channels, channels, 3, stride, 1, groups=channels, bias=False)
        self.norm = nn.LayerNorm(channels)
        self.linear = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Run the layers, (B, C, T) -> (B, T / stride, C)."""
        return self.linear(self.norm(self.conv(x).transpose(1, 2)))


class ConvAttention(nn.Module):
    """Attention whose queries, keys and values come from depth-wise convolutions.

    What a convolution gives outside the video is no key, and the query there is left out at the
    end, so it needs no mask of its own.

    Args:
        channels: C.
        heads: Divide C.
        window: Keys of a query, odd; 1 or less: all.
        stride: 2 halves the length.
        dropout: Of the output.

    Raises:
        ValueError: ``channels`` is no multiple of ``heads``, or ``window`` is even.
    """

    def __init__(
        self, channels: int, heads: int, window: int, stride: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f'{channels} channels for {heads} heads; expected a multiple of them')
        if window > 1 and window % 2 == 0:
            raise ValueError(
                f'window {window}: expected an odd number of snippets, such as 19, or '
                '1 for attention to all'
            )
        self.heads, self.window, self.stride = heads, window, stride
        self.query, self.key, self.value = (ConvLinear(channels, stride) for _ in range(3))
        self.out = nn.Linear(channels, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Attend.

        Args:
            x: Shape (B, C, T).
            mask: Of the output, bool, shape (B, T / stride).

        Returns:
            Shape (B, C, T / stride), zero outside the video.
        """
        given = [
            layer(x).unflatten(2, (self.heads, -1)) for layer in (self.query, self.key, self.value)
        ]
        if self.window > 1:
            found = local_attention(*given, mask, self.window)
        else:
            found = F.scaled_dot_product_attention(
                *(each.transpose(1, 2) for each in given),
                attn_mask=mask[:, None, None],
            ).transpose(1, 2)
        return self.dropout(self.out(found.flatten(2))).transpose(1, 2) * mask[:, None]


class TransformerBlock(nn.Module):
    """``x + attention(norm(x))`` and a feed-forward layer, both zero outside the video.

    Its output lies in memory as (B, T, C), as linear layers and layer norm have it.

    Args:
        channels: C.
        heads: See :class:`ConvAttention`.
        hidden: Width of the feed-forward layer.
        window: See :class:`ConvAttention`.
        stride: 2 halves the length; ``x`` itself by max pooling.
        drop_path: Chance to leave a branch out; 0 adds it as it is, without a scale.
        dropout: Of attention and of the feed-forward layer.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        hidden: int,
        window: int,
        stride: int = 1,
        drop_path: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.norm_first, self.norm_second = (ChannelLayerNorm(channels) for _ in range(2))
        self.attention = ConvAttention(channels, heads, window, stride, dropout)
        self.pool = TimeMaxPool(stride) if stride > 1 else nn.Identity()
        self.ffn = nn.Sequential(
            nn.Linear(channels, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, channels),
            nn.Dropout(dropout),
        )
        self.drop_first, self.drop_second = (drop_path_of(channels, drop_path) for _ in range(2))
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, C, T) and mask, bool (B, T), to those of T / stride."""
        mask = mask[:, :: self.stride]
        kept = mask[:, None]
        # the first term tells how the sum lies in memory
        x = self.drop_first(self.attention(self.norm_first(x), mask)) + self.pool(x) * kept
        found = self.ffn(self.norm_second(x).transpose(1, 2)).transpose(1, 2)
        return x + self.drop_second(found * kept), mask


@MODELS.register_module()
class TransformerPyramid(FeaturePyramid):
    """Stem and branch of transformer blocks, without position encoding.

    Args:
        channels: D.
        heads: Of attention.
        hidden: Width of the feed-forward layers.
        window: Snippets that one attends to, at each scale; 1 or less: all.
        stem: Blocks of stride 1.
        branch: Blocks of stride 2.
        drop_path: Of stem and branch.
        dropout: See :class:`TransformerBlock`.
        init_cfg: See ``BaseModule``.
    """

    def __init__(
        self,
        channels: int = 512,
        heads: int = 4,
        hidden: int = 2048,
        window: int = 19,
        stem: int = 2,
        branch: int = 5,
        drop_path: float = 0.1,
        dropout: float = 0.0,
        init_cfg: dict | None = None,
    ) -> None:
        given = (channels, heads, hidden, window)
        after = dict(drop_path=drop_path, dropout=dropout)
        super().__init__(
            channels,
            (TransformerBlock(*given, **after) for _ in range(stem)),
            (TransformerBlock(*given, stride=2, **after) for _ in range(branch)),
            init_cfg,
        )
        self.window = window

    @property
    def divisor(self) -> int:
        """What the length of a sequence must be divisible by; with a window that of ActionFormer.

        Its attention works in chunks of ``window - 1``. Ours takes any length, but zeros that
        follow a video reach its last snippets, so the same padding gives the same numbers.
        """
        return super().divisor * (self.window - 1 if self.window > 1 else 1)
