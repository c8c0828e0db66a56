"""The head of TriDet (Shi et al., CVPR 2023, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmaction.registry import MODELS
from torch import Tensor

from ..trident import trident_distances
from .heads import BoundaryHead, OffsetHead
from .segment_head import SegmentHead


@MODELS.register_module()
class TridentHead(SegmentHead):
    """Boundaries as expectations over bins; classes weighted by the IoU of their segments.

    Args:
        in_channels: D of the pyramid.
        num_classes: K.
        bins: Places to each side.
        iou_power: See :class:`~.segment_head.SegmentHead`.
        **kwargs: See there.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        bins: int = 16,
        iou_power: float = 0.2,
        **kwargs: Any,
    ) -> None:  # noqa: ANN401
        super().__init__(in_channels, num_classes, iou_power=iou_power, **kwargs)
        layers = kwargs.get('layers', 3)
        given = dict(layers=layers, prior=kwargs.get('prior', 0.01), detach=True)
        self.start_head = BoundaryHead(in_channels, num_classes, **given)
        self.end_head = BoundaryHead(in_channels, num_classes, **given)
        self.offset_head = OffsetHead(in_channels, len(self.ranges), bins, layers)

    def boundaries(
        self, levels: Sequence[Tensor], masks: Sequence[Tensor]
    ) -> list[tuple[Tensor, ...]]:
        """Start and end logits (B, K, T_l) and offsets (B, 2 * (bins + 1), T_l) of each level.

        Args:
            levels: Of the pyramid, (B, D, T_l).
            masks: bool, (B, T_l).
        """
        parts = (head(levels, masks) for head in (self.start_head, self.end_head, self.offset_head))
        return list(zip(*parts, strict=True))

    def distances(
        self, boundaries: tuple[Tensor, ...], videos: Tensor, points: Tensor, labels: Tensor
    ) -> Tensor:
        """See :func:`~downstream.tal.trident.trident_distances`.

        Args:
            boundaries: Of a level.
            videos: Which of the B.
            points: Which of the T_l.
            labels: Which of the K.
        """
        return trident_distances(*boundaries, videos, points, labels)
