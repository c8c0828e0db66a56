"""Heads over a pyramid: classes, begin and end of actions, offsets and distances of points."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from .layers import ConvStack, MaskedConv1d


@MODELS.register_module()
class BoundaryHead(BaseModule):
    """Logits of every class at every point; for classes, or where an action begins or ends.

    Args:
        in_channels: D of the pyramid.
        num_classes: K.
        layers: With the last one.
        prior: Chance that an untrained head gives everywhere.
        detach: Keep gradients from the pyramid, as for begin and end.
        init_cfg: See ``BaseModule``.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        layers: int = 3,
        prior: float = 0.01,
        detach: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.detach = detach
        self.stack = ConvStack(in_channels, in_channels, layers - 1)
        self.out = MaskedConv1d(in_channels, num_classes)
        nn.init.constant_(self.out.bias, -math.log((1 - prior) / prior))

    def forward(self, levels: Sequence[Tensor], masks: Sequence[Tensor]) -> list[Tensor]:
        """Logits of each level, shape (B, K, T_l); of levels (B, D, T_l), masks bool (B, T_l)."""
        return [
            self.out(self.stack(level.detach() if self.detach else level, mask), mask)
            for level, mask in zip(levels, masks, strict=True)
        ]


class _ScaledHead(BaseModule):
    """Numbers of every point, not negative; each level has a scale of its own.

    Args:
        in_channels: D of the pyramid.
        num_levels: Each has a scale.
        out_channels: Numbers of a point.
        layers: With the last one.
        init_cfg: See ``BaseModule``.
    """

    def __init__(
        self,
        in_channels: int,
        num_levels: int,
        out_channels: int,
        layers: int,
        init_cfg: dict | None,
    ) -> None:
        super().__init__(init_cfg)
        self.stack = ConvStack(in_channels, in_channels, layers - 1)
        self.out = MaskedConv1d(in_channels, out_channels)
        self.scales = nn.Parameter(torch.ones(num_levels))

    def forward(self, levels: Sequence[Tensor], masks: Sequence[Tensor]) -> list[Tensor]:
        """Numbers of each level, (B, out_channels, T_l); of levels (B, D, T_l), masks bool."""
        return [
            (self.out(self.stack(level, mask), mask) * scale).relu()
            for level, mask, scale in zip(levels, masks, self.scales, strict=True)
        ]


@MODELS.register_module()
class OffsetHead(_ScaledHead):
    """Offsets of every point for :func:`~.segment_head.trident_distances`.

    They have 2 * (bins + 1) channels and are not negative.

    Args:
        in_channels: D of the pyramid.
        num_levels: Each has a scale of its own.
        bins: Places to each side.
        layers: With the last one.
        init_cfg: See ``BaseModule``.
    """

    def __init__(
        self,
        in_channels: int,
        num_levels: int,
        bins: int = 16,
        layers: int = 3,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(in_channels, num_levels, 2 * (bins + 1), layers, init_cfg)


@MODELS.register_module()
class DistanceHead(_ScaledHead):
    """Distances of every point to begin and end, in strides of its level, as in ActionFormer.

    They have 2 channels, the same for all classes, and are not negative.

    Args:
        in_channels: D of the pyramid.
        num_levels: Each has a scale of its own.
        layers: With the last one.
        init_cfg: See ``BaseModule``.
    """

    def __init__(
        self, in_channels: int, num_levels: int, layers: int = 3, init_cfg: dict | None = None
    ) -> None:
        super().__init__(in_channels, num_levels, 2, layers, init_cfg)
