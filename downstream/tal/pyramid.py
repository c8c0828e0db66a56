"""What all pyramids share, their layers, and the pyramid of TriDet (Shi et al., CVPR 2023).

Sequences are (B, C, T) with a mask (B, T). Layer norms leave the channels of a snippet side by side
in memory. Operations on one axis would copy such sequences first and work slower, so they are done
on two axes, of which one is 1 long.
"""

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule
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
        """Convolve; ``x`` (B, C, T), ``mask`` which snippets are of the video, bool (B, T)."""
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
        self, in_channels: int, channels: int = 512, layers: int = 2, kernel_size: int = 3
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


class ScaledDropPath(nn.Module):
    """LayerScale and stochastic depth on a residual branch.

    Args:
        channels: C.
        chance: That the branch of a sample is left out, in training.
    """

    def __init__(self, channels: int, chance: float) -> None:
        super().__init__()
        self.chance = chance
        self.scale = nn.Parameter(1e-4 * torch.ones(channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Scale, and drop; ``x`` of shape (B, C, T)."""
        x = self.scale * x
        if not self.training or not self.chance:
            return x
        kept = torch.rand(len(x), 1, 1, device=x.device) >= self.chance
        return x * kept / (1 - self.chance)


def drop_path_of(channels: int, chance: float) -> nn.Module:
    """What a residual branch passes: :class:`ScaledDropPath`, or all as it is without a chance."""
    return ScaledDropPath(channels, chance) if chance else nn.Identity()


class FeaturePyramid(BaseModule):
    """Stem and branch: projected features to one level of each stride 1, 2, 4, ...

    Args:
        channels: D.
        stem: Blocks of stride 1; a block takes and gives features and their mask.
        branch: Blocks of stride 2.
        init_cfg: See ``BaseModule``.
    """

    def __init__(
        self,
        channels: int,
        stem: Iterable[nn.Module],
        branch: Iterable[nn.Module],
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.stem, self.branch = nn.ModuleList(stem), nn.ModuleList(branch)
        self.norms = nn.ModuleList(ChannelLayerNorm(channels) for _ in range(len(self.branch) + 1))

    @property
    def divisor(self) -> int:
        """What the length of a sequence must be divisible by."""
        return 2 ** len(self.branch)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Run the pyramid.

        Args:
            x: Shape (B, D, T).
            mask: Which snippets are part of the video, bool, shape (B, T).

        Returns:
            For each level features (B, D, T / stride) and masks (B, T / stride).

        Raises:
            ValueError: T is not divisible by :attr:`divisor`.
        """
        if x.shape[2] % self.divisor:
            raise ValueError(
                f'{x.shape[2]} snippets; expected a multiple of {self.divisor}: pad the sequence'
            )
        for block in self.stem:
            x, mask = block(x, mask)
        levels, masks = [x], [mask]
        for block in self.branch:
            x, mask = block(x, mask)
            levels.append(x)
            masks.append(mask)
        return [norm(level) for norm, level in zip(self.norms, levels, strict=True)], masks


def wide_kernel(window: int, factor: float) -> int:
    """Length of the wide kernel: ``round((w + 1) * k)``, made odd; w is that of the narrow one."""
    size = round((window + 1) * factor)
    return size + 1 if size % 2 == 0 else size


class SGPBlock(nn.Module):
    """``x + P(norm(x))`` and a feed-forward layer; P tells instants from the video and its parts.

    With ``z = norm(x)``: ``y = fc(z) * relu(whole(mean z)) + (narrow(z) + wide(z)) * gate(z) + z``.
    All five are depth-wise.

    THUMOS14 begins with all of them at zero (``init_std=0``), as in the official config. Every term
    is then a product of two zeros and gets no gradient, ever: the block stays ``y = z``.
    ``skip_zeros`` leaves them out while that is so, which changes nothing but the time.

    Args:
        channels: C.
        hidden: Width of the feed-forward layer.
        window: Of the narrow kernel.
        factor: See :func:`wide_kernel`.
        stride: 2 halves the length first, by max pooling.
        drop_path: Chance to leave a branch out; 0 adds it as it is, without a scale.
        init_std: Of the five depth-wise layers.
        skip_zeros: See above.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        window: int = 1,
        factor: float = 1.5,
        stride: int = 1,
        drop_path: float = 0.0,
        init_std: float = 0.0,
        skip_zeros: bool = True,
    ) -> None:
        super().__init__()
        self.stride, self.skip_zeros = stride, skip_zeros
        self.norm = ChannelLayerNorm(channels)
        sizes = dict(gate=window, fc=1, narrow=window, wide=wide_kernel(window, factor), whole=1)
        for name, size in sizes.items():
            layer = TimeConv(channels, channels, size, padding=size // 2, groups=channels)
            nn.init.normal_(layer.weight, 0, init_std)
            nn.init.zeros_(layer.bias)
            setattr(self, name, layer)
        self.pool = TimeMaxPool(stride) if stride > 1 else nn.Identity()
        self.group_norm = TimeGroupNorm(16, channels)
        self.ffn = nn.Sequential(
            TimeConv(channels, hidden, 1), nn.GELU(), TimeConv(hidden, channels, 1)
        )
        self.drop_first, self.drop_second = (drop_path_of(channels, drop_path) for _ in range(2))

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, C, T) and mask, bool (B, T), to those of T / stride."""
        x, mask = self.pool(x), mask[:, :: self.stride]
        z = self.norm(x)
        x = x * mask[:, None] + self.drop_first(z if self._is_dead() else self._perceive(z))
        return x + self.drop_second(self.ffn(self.group_norm(x))), mask

    def _perceive(self, z: Tensor) -> Tensor:
        whole = self.whole(z.mean(2, keepdim=True)).relu()
        return self.fc(z) * whole + (self.narrow(z) + self.wide(z)) * self.gate(z) + z

    def _is_dead(self) -> bool:
        """All depth-wise layers are zero: none ever gets a gradient."""
        layers = (self.gate, self.fc, self.narrow, self.wide, self.whole)
        # a GPU is waited for once
        return self.skip_zeros and not bool(
            torch.stack(
                [parameter.any() for layer in layers for parameter in layer.parameters()]
            ).any()
        )


@MODELS.register_module()
class SGPPyramid(FeaturePyramid):
    """Stem and branch: projected features to one level of each stride 1, 2, 4, ...

    Args:
        channels: D.
        hidden: Width of the feed-forward layers.
        windows: Narrow kernel of each block of the branch.
        factor: See :func:`wide_kernel`.
        stem: Blocks of stride 1.
        drop_path: Of the branch.
        init_std: See :class:`SGPBlock`.
        skip_zeros: See there.
        init_cfg: See ``BaseModule``.
    """

    def __init__(
        self,
        channels: int = 512,
        hidden: int = 768,
        windows: Sequence[int] = (1, 1, 1, 1, 1),
        factor: float = 5.0,
        stem: int = 2,
        drop_path: float = 0.1,
        init_std: float = 0.0,
        skip_zeros: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        given = dict(factor=factor, init_std=init_std, skip_zeros=skip_zeros)
        super().__init__(
            channels,
            (SGPBlock(channels, hidden, **given) for _ in range(stem)),
            (
                SGPBlock(channels, hidden, window, stride=2, drop_path=drop_path, **given)
                for window in windows
            ),
            init_cfg,
        )
