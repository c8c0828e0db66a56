"""The heads of ActionFormer and TriDet: targets, losses, and candidates of segments."""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from .losses import (
    RANGES,
    LossNormaliser,
    Points,
    assign_targets,
    distance_iou_loss,
    offset_iou,
    sigmoid_focal_loss,
)
from .pyramid import ConvStack, MaskedConv1d

_LEAST_IOU = 1e-6  # the slope of a root is infinite at 0


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


@MODELS.register_module()
class DistanceHead(BaseModule):
    """Distances of every point to begin and end, in strides of its level, as in ActionFormer.

    Not negative, the same for all classes; each level has a scale of its own.

    Args:
        in_channels: D of the pyramid.
        num_levels: Levels.
        layers: With the last one.
        init_cfg: See ``BaseModule``.
        out_channels: Numbers of a point.
    """

    def __init__(
        self,
        in_channels: int,
        num_levels: int,
        layers: int = 3,
        init_cfg: dict | None = None,
        out_channels: int = 2,
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
class OffsetHead(DistanceHead):
    """Likewise 2 * (bins + 1) offsets of every point, for :func:`trident_distances`.

    Args:
        in_channels: D of the pyramid.
        num_levels: Levels.
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
        super().__init__(in_channels, num_levels, layers, init_cfg, 2 * (bins + 1))


class SegmentHead(BaseModule):
    """Classes and boundaries at every point of a pyramid.

    A subclass says how boundaries are made. ``boundaries(levels, masks)``: what it needs of each
    level, of levels (B, D, T_l) of the pyramid and their masks (B, T_l). ``distances(boundaries,
    videos, points, labels)``: distances to begin and end, in strides, shape (n, 2), at chosen
    points of a level: which of the B, of the T_l and of the K, each int64 of shape (n,).

    Loss (TriDet, section 3.4; ActionFormer, section 3.4): a focal loss over all points and classes,
    and ``1 - DIoU`` of each positive one, both divided by a running mean of the number of positive
    points. With ``iou_power`` the focal loss of each positive entry is weighted by the IoU of its
    own segment to that power (gradients flow through it).

    Args:
        in_channels: D of the pyramid.
        num_classes: K.
        ranges: See :class:`~downstream.tal.losses.Points`, one for each level.
        radius: See :func:`~downstream.tal.losses.assign_targets`.
        iou_power: See above; 0 for no weight.
        loss_weight: Of the boundaries.
        prior: See :class:`BoundaryHead`.
        layers: Of each head, with the last one.
        start_normaliser: See :class:`~downstream.tal.losses.LossNormaliser`.
        init_cfg: See ``BaseModule``.
    """

    per_class = True
    """Whether each class has boundaries of its own."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        ranges: Sequence[tuple[float, float]] = RANGES,
        radius: float = 1.5,
        iou_power: float = 0.0,
        loss_weight: float = 1.0,
        prior: float = 0.01,
        layers: int = 3,
        start_normaliser: float = 100.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_classes, self.ranges, self.radius = num_classes, tuple(map(tuple, ranges)), radius
        self.iou_power, self.loss_weight = iou_power, loss_weight
        self.cls_head = BoundaryHead(in_channels, num_classes, layers, prior)
        self.normaliser = LossNormaliser(start_normaliser)

    def loss(
        self,
        levels: Sequence[Tensor],
        masks: Sequence[Tensor],
        segments: Sequence[Tensor],
        labels: Sequence[Tensor],
    ) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            levels: Of the pyramid, (B, D, T_l).
            masks: bool, (B, T_l).
            segments: For each video begin and end on the axis of snippets, (n, 2).
            labels: For each video int64, (n,).

        Returns:
            ``loss_cls`` and ``loss_reg``.
        """
        logits = torch.cat(self.cls_head(levels, masks), 2).transpose(1, 2)
        points, sizes = self._points(levels)
        found = [
            assign_targets(points, *each, self.num_classes, self.radius)
            for each in zip(segments, labels, strict=True)
        ]
        classes, wanted = (torch.stack(parts) for parts in zip(*found, strict=True))
        valid = torch.cat(list(masks), 1)
        classes *= valid[..., None]
        positive = classes.any(2)
        normaliser = self.normaliser(positive.sum())
        # (video, point, class) of each positive entry; one entry a point without classes of its own
        where = (classes if self.per_class else positive[..., None]).nonzero()
        predicted, where = self._predicted(self.boundaries(levels, masks), where, sizes)
        wanted = wanted[where[:, 0], where[:, 1]]
        focal = sigmoid_focal_loss(logits, classes) * valid[..., None]
        if self.iou_power:
            weight = offset_iou(predicted, wanted).clamp_min(_LEAST_IOU) ** self.iou_power
            focal = focal * torch.ones_like(focal).index_put(tuple(where.T), weight)
        regression = distance_iou_loss(predicted, wanted).sum()
        return dict(
            loss_cls=focal.sum() / normaliser, loss_reg=self.loss_weight * regression / normaliser
        )

    @torch.no_grad()
    def candidates(
        self,
        levels: Sequence[Tensor],
        masks: Sequence[Tensor],
        min_score: float = 0.001,
        max_per_level: int = 2000,
        min_length: float = 0.05,
    ) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Segments of each video before suppression.

        Args:
            levels: Of the pyramid, (B, D, T_l).
            masks: bool, (B, T_l).
            min_score: Score above which a point and class count.
            max_per_level: Best ones that are kept of each level.
            min_length: Length above which a segment is kept, in snippets.

        Returns:
            For each video begin and end on the axis of snippets, (n, 2), scores in [0, 1], (n,),
            and labels, int64 (n,).
        """
        logits, boundaries = self.cls_head(levels, masks), self.boundaries(levels, masks)
        points, sizes = self._points(levels)
        positions, strides = points.positions.split(sizes), points.strides.split(sizes)
        found = []
        for video in range(len(levels[0])):
            parts = []
            for number, mask in enumerate(masks):
                chance = (logits[number][video].sigmoid() * mask[video]).T.flatten()
                score, index = chance.topk(min(max_per_level, len(chance)))
                index = index[score > min_score]
                point, label = index // self.num_classes, index % self.num_classes
                far = self.distances(
                    boundaries[number], torch.full_like(point, video), point, label
                )
                at, stride = positions[number][point], strides[number][point]
                segment = torch.stack([at - far[:, 0] * stride, at + far[:, 1] * stride], 1)
                kept = segment[:, 1] - segment[:, 0] > min_length
                parts.append((segment[kept], score[: len(index)][kept], label[kept]))
            found.append(tuple(map(torch.cat, zip(*parts, strict=True))))
        return found

    def _points(self, levels: Sequence[Tensor]) -> tuple[Points, list[int]]:
        """Points of all levels, and the length of each."""
        sizes = [level.shape[2] for level in levels]
        return Points.of_levels(sizes, self.ranges, levels[0].device), sizes

    def _predicted(
        self, boundaries: Sequence[tuple[Tensor, ...]], where: Tensor, sizes: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """Distances at positive entries, and these entries in the order of the levels."""
        first, parts, order = 0, [], []
        for boundary, size in zip(boundaries, sizes, strict=True):
            # a level without one is not left out: its parameters take part in every step
            part = where[(where[:, 1] >= first) & (where[:, 1] < first + size)]
            parts.append(self.distances(boundary, part[:, 0], part[:, 1] - first, part[:, 2]))
            order.append(part)
            first += size
        return torch.cat(parts), torch.cat(order)


@MODELS.register_module()
class ActionFormerHead(SegmentHead):
    """Distances to begin and end at every point, the same for all classes.

    ActionFormer (Zhang et al., ECCV 2022, section 3.3).

    Args:
        in_channels: D of the pyramid.
        num_classes: K.
        **kwargs: See :class:`SegmentHead`.
    """

    per_class = False

    def __init__(self, in_channels: int, num_classes: int, **kwargs: Any) -> None:
        super().__init__(in_channels, num_classes, **kwargs)
        self.offset_head = DistanceHead(in_channels, len(self.ranges), kwargs.get('layers', 3))

    def boundaries(
        self, levels: Sequence[Tensor], masks: Sequence[Tensor]
    ) -> list[tuple[Tensor, ...]]:
        """Distances (B, 2, T_l) of each level; of levels (B, D, T_l), masks bool (B, T_l)."""
        return [(distances,) for distances in self.offset_head(levels, masks)]

    def distances(
        self, boundaries: tuple[Tensor, ...], videos: Tensor, points: Tensor, labels: Tensor
    ) -> Tensor:
        """See :class:`SegmentHead`; labels are not used."""
        return boundaries[0][videos, :, points]


@MODELS.register_module()
class TridentHead(SegmentHead):
    """Boundaries as expectations over bins; classes weighted by the IoU of their segments.

    TriDet (Shi et al., CVPR 2023, section 3.3).

    Args:
        in_channels: D of the pyramid.
        num_classes: K.
        bins: Places to each side.
        iou_power: See :class:`SegmentHead`.
        **kwargs: See there.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        bins: int = 16,
        iou_power: float = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__(in_channels, num_classes, iou_power=iou_power, **kwargs)
        layers = kwargs.get('layers', 3)
        given = dict(layers=layers, prior=kwargs.get('prior', 0.01), detach=True)
        self.start_head = BoundaryHead(in_channels, num_classes, **given)
        self.end_head = BoundaryHead(in_channels, num_classes, **given)
        self.offset_head = OffsetHead(in_channels, len(self.ranges), bins, layers)

    def boundaries(
        self, levels: Sequence[Tensor], masks: Sequence[Tensor]
    ) -> list[tuple[Tensor, ...]]:
        """Start and end logits (B, K, T_l), offsets (B, 2 * (bins + 1), T_l) of each level."""
        parts = (head(levels, masks) for head in (self.start_head, self.end_head, self.offset_head))
        return list(zip(*parts, strict=True))

    def distances(
        self, boundaries: tuple[Tensor, ...], videos: Tensor, points: Tensor, labels: Tensor
    ) -> Tensor:
        """See :func:`trident_distances`."""
        return trident_distances(*boundaries, videos, points, labels)


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
