"""Layers over masked sequences, (B, C, T) with a mask (B, T).

Layer norms leave the channels of a snippet side by side in memory. Operations on one axis would
copy such sequences first and work slower, so they are done on two axes, of which one is 1 long.
"""

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor, nn


class TimeConv(nn.Conv1d):
    """``nn.Conv1d`` that keeps the memory layout of (B, C, T), see above."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if input.stride(1) == 1 and self.kernel_size == self.stride == (1,) and self.groups == 1:
            return F.linear(input.transpose(1, 2), weight[:, :, 0], bias).transpose(1, 2)
        # on a CPU the copy costs less than gradients of weights in the other layout
        if input.stride(1) != 1 or torch.is_grad_enabled():
            return super()._conv_forward(input, weight, bias)
        return F.conv2d(
            input[:, :, None],
            weight[:, :, None],
            bias,
            (1, *self.stride),
            (0, *self.padding),
            (1, *self.dilation),
            self.groups,
        )[:, :, 0]


class TimeGroupNorm(nn.GroupNorm):
    """``nn.GroupNorm`` that keeps the memory layout of (B, C, T), see above."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; ``x`` of shape (B, C, T)."""
        return super().forward(x[:, :, None])[:, :, 0]


class TimeMaxPool(nn.MaxPool2d):
    """Max pooling over the time of (B, C, T) that keeps its memory layout, see above.

    Args:
        stride: By which it shortens the sequence; each output sees ``stride + 1`` snippets.
    """

    def __init__(self, stride: int) -> None:
        super().__init__((1, stride + 1), (1, stride), (0, (stride + 1) // 2))

    def forward(self, x: Tensor) -> Tensor:
        """Pool; ``x`` of shape (B, C, T)."""
        return super().forward(x[:, :, None])[:, :, 0]


class MaskedConv1d(TimeConv):
    """A convolution over time whose output is zero outside the video.

    Args:
        in_channels: C.
        out_channels: D.
        kernel_size: Odd.
        bias: Whether it has one.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int = 3, bias: bool = True
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=bias
        )
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
        """Normalise; ``x`` of shape (B, C, T)."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class ConvStack(nn.Module):
    """Masked convolutions, each with layer norm and ReLU.

    Args:
        in_channels: C.
        channels: D, of all layers.
        layers: How many.
        kernel_size: Odd.
    """

    def __init__(
        self, in_channels: int, channels: int, layers: int = 2, kernel_size: int = 3
    ) -> None:
        super().__init__()
        widths = [in_channels] + [channels] * (layers - 1)
        self.convs = nn.ModuleList(
            MaskedConv1d(width, channels, kernel_size, bias=False) for width in widths
        )
        self.norms = nn.ModuleList(ChannelLayerNorm(channels) for _ in widths)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Run the layers; ``x`` (B, C, T), ``mask`` bool (B, T)."""
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = norm(conv(x, mask)).relu()
        return x


@MODELS.register_module()
class ConvProjection(ConvStack):
    """Masked convolutions with layer norm and ReLU, as in ActionFormer and TriDet.

    Args:
        in_channels: C of the features.
        channels: D.
        layers: How many.
        kernel_size: Odd.
    """

    def __init__(
        self, in_channels: int, channels: int = 512, layers: int = 2, kernel_size: int = 3
    ) -> None:
        super().__init__(in_channels, channels, layers, kernel_size)


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
        """Scale, and drop; ``x`` of shape (B, C, T)."""
        x = self.scale * x
        if not self.training or not self.chance:
            return x
        kept = torch.rand(len(x), 1, 1, device=x.device) >= self.chance
        return x * kept / (1 - self.chance)


def drop_path_of(channels: int, chance: float) -> nn.Module:
    """What a residual branch passes: scaled and at times left out, or as it is without a chance.

    Args:
        channels: C.
        chance: See :class:`ScaledDropPath`; 0 for neither.
    """
    return ScaledDropPath(channels, chance) if chance else nn.Identity()
