"""The head of ActionFormer (Zhang et al., ECCV 2022, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmaction.registry import MODELS
from torch import Tensor

from .heads import DistanceHead
from .segment_head import SegmentHead


@MODELS.register_module()
class ActionFormerHead(SegmentHead):
    """Distances to begin and end at every point, the same for all classes.

    Args:
        in_channels: D of the pyramid.
        num_classes: K.
        **kwargs: See :class:`~.segment_head.SegmentHead`.
    """

    per_class = False

    def __init__(self, in_channels: int, num_classes: int, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(in_channels, num_classes, **kwargs)
        self.offset_head = DistanceHead(in_channels, len(self.ranges), kwargs.get('layers', 3))

    def boundaries(
        self, levels: Sequence[Tensor], masks: Sequence[Tensor]
    ) -> list[tuple[Tensor, ...]]:
        """Distances (B, 2, T_l) of each level.

        Args:
            levels: Of the pyramid, (B, D, T_l).
            masks: bool, (B, T_l).
        """
        return [(distances,) for distances in self.offset_head(levels, masks)]

    def distances(
        self, boundaries: tuple[Tensor, ...], videos: Tensor, points: Tensor, labels: Tensor
    ) -> Tensor:
        """Distances at chosen points.

        Args:
            boundaries: Of a level.
            videos: Which of the B.
            points: Which of the T_l.
            labels: Not used.
        """
        return boundaries[0][videos, :, points]
