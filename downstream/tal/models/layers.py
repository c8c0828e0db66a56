"""Layers over masked sequences, (B, C, T) with a mask (B, T)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MaskedConv1d(nn.Conv1d):
    """A convolution over time whose output is zero outside the video.

    Args:
        in_channels: C.
        out_channels: D.
        kernel_size: Odd.
        bias: Whether it has one.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3,
                 bias: bool = True) -> None:  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, padding=kernel_size // 2,
                         bias=bias)  # fmt: skip
        if bias:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: Shape (B, C, T).
            mask: Which snippets are part of the video, bool, shape (B, T).
        """
        return super().forward(x) * mask[:, None]


class ChannelLayerNorm(nn.LayerNorm):
    """``nn.LayerNorm`` over the channels of (B, C, T)."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise.

        Args:
            x: Shape (B, C, T).
        """
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class ConvStack(nn.Module):
    """Masked convolutions, each with layer norm and ReLU.

    Args:
        in_channels: C.
        channels: D, of all layers.
        layers: How many.
        kernel_size: Odd.
    """

    def __init__(self, in_channels: int, channels: int, layers: int = 2,
                 kernel_size: int = 3) -> None:  # fmt: skip
        super().__init__()
        widths = [in_channels] + [channels] * (layers - 1)
        self.convs = nn.ModuleList(
            MaskedConv1d(width, channels, kernel_size, bias=False) for width in widths)
        self.norms = nn.ModuleList(ChannelLayerNorm(channels) for _ in widths)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Run the layers.

        Args:
            x: Shape (B, C, T).
            mask: bool, shape (B, T).
        """
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = norm(conv(x, mask)).relu()
        return x


class ScaledDropPath(nn.Module):
    """LayerScale and stochastic depth on a residual branch.

    Args:
        channels: C.
        chance: That the branch of a sample is left out, in training.
        init: First value of the scale.
    """

    def __init__(self, channels: int, chance: float, init: float = 1e-4) -> None:
        super().__init__()
        self.chance = chance
        self.scale = nn.Parameter(init * torch.ones(channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Scale, and drop.

        Args:
            x: Shape (B, C, T).
        """
        x = self.scale * x
        if not self.training or not self.chance:
            return x
        kept = torch.rand(len(x), 1, 1, device=x.device) >= self.chance
        return x * kept / (1 - self.chance)
