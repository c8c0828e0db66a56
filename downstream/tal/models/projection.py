"""From snippet features to the width of a pyramid."""

from __future__ import annotations

from mmaction.registry import MODELS

from .layers import ConvStack


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
