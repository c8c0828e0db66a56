"""What points of the pyramid should say, the losses of what they say, and what divides these."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce
from torch import Tensor, nn

RANGES = ((0, 4), (4, 8), (8, 16), (16, 32), (32, 64), (64, 10000))
"""Of THUMOS14: how far the ends of an action may be from a point of each level, in snippets."""
_SAME_LENGTH = 1e-3


@dataclass(frozen=True)
class Points:
    """Points of all levels of a pyramid, one after another.

    Attributes:
        positions: On the axis of snippets, shape (P,); point i of a level lies at ``i * stride``.
        strides: Of the level of each, shape (P,).
        ranges: Of the level of each, shape (P, 2), both ends included.
    """

    positions: Tensor
    strides: Tensor
    ranges: Tensor

    @classmethod
    def of_levels(
        cls,
        lengths: Sequence[int],
        ranges: Sequence[tuple[float, float]] = RANGES,
        device: torch.device | str = 'cpu',
    ) -> 'Points':
        """Points of levels whose strides double.

        Args:
            lengths: Number of points of each level.
            ranges: Of each level.
            device: Where they are.

        Raises:
            ValueError: There are not as many ranges as levels.
        """
        if len(lengths) != len(ranges):
            raise ValueError(f'{len(lengths)} levels and {len(ranges)} ranges; expected one each')
        strides = [2.0**level for level in range(len(lengths))]
        positions = [
            torch.arange(length, device=device) * stride
            for length, stride in zip(lengths, strides, strict=True)
        ]
        counts = torch.tensor(list(lengths), device=device)
        return cls(
            torch.cat(positions).float(),
            torch.tensor(strides, device=device).repeat_interleave(counts),
            torch.tensor(list(ranges), dtype=torch.float32, device=device).repeat_interleave(
                counts, 0
            ),
        )


def assign_targets(
    points: Points, segments: Tensor, labels: Tensor, num_classes: int, radius: float = 1.5
) -> tuple[Tensor, Tensor]:
    """Targets of every point (ActionFormer, section 3.3; the same in TriDet).

    A point is positive for an action when it lies strictly within ``radius`` strides of its centre
    and within the action, and the farther end of the action is in the range of its level. Of
    several the shortest counts; others of the same length and extent (two classes that are
    annotated at once) give their class as well.

    Args:
        points: See :class:`Points`.
        segments: Begin and end on the axis of snippets, shape (n, 2).
        labels: Class of each, int64, shape (n,).
        num_classes: K.
        radius: In strides.

    Returns:
        Classes, float32 of shape (P, K) with 0 and 1; distances to begin and end in strides of the
        level, shape (P, 2), 0 where no class is set.
    """
    count = len(points.positions)
    classes = torch.zeros(count, num_classes, device=points.positions.device)
    distances = torch.zeros(count, 2, device=points.positions.device)
    if not len(segments):
        return classes, distances
    left = points.positions[:, None] - segments[None, :, 0]
    right = segments[None, :, 1] - points.positions[:, None]
    centres = segments.mean(1)
    reach = radius * points.strides[:, None]
    begin = torch.maximum(centres - reach, segments[:, 0])
    end = torch.minimum(centres + reach, segments[:, 1])
    near = (points.positions[:, None] > begin) & (points.positions[:, None] < end)
    farther = torch.maximum(left, right)
    fits = (farther >= points.ranges[:, :1]) & (farther <= points.ranges[:, 1:])
    lengths = (segments[:, 1] - segments[:, 0]).expand(count, -1)
    lengths = torch.where(near & fits, lengths, torch.inf)
    shortest, which = lengths.min(1)
    positive = torch.isfinite(shortest)
    alike = (lengths <= shortest[:, None] + _SAME_LENGTH) & positive[:, None]
    classes.index_add_(1, labels, alike.float())
    classes.clamp_(max=1)
    rows = torch.arange(count, device=which.device)
    both = torch.stack([left[rows, which], right[rows, which]], 1) / points.strides[:, None]
    return classes, torch.where(positive[:, None], both, distances)


def sigmoid_focal_loss(
    logits: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2.0
) -> Tensor:
    """Focal loss (Lin et al., ICCV 2017) of each entry, of any shape.

    Args:
        logits: Of the entries.
        targets: 0 to 1.
        alpha: Weight of positive entries.
        gamma: How much easy ones lose.
    """
    chance = logits.sigmoid()
    right = chance * targets + (1 - chance) * (1 - targets)
    weight = alpha * targets + (1 - alpha) * (1 - targets)
    return (
        weight
        * (1 - right) ** gamma
        * F.binary_cross_entropy_with_logits(logits, targets, reduction='none')
    )


def offset_iou(predicted: Tensor, wanted: Tensor) -> Tensor:
    """IoU in [0, 1] of segments around a point, by distances (..., 2) to their ends, all >= 0."""
    overlap = torch.minimum(predicted, wanted).sum(-1)
    union = predicted.sum(-1) + wanted.sum(-1) - overlap
    return overlap / union.clamp_min(torch.finfo(union.dtype).eps)


def distance_iou_loss(predicted: Tensor, wanted: Tensor) -> Tensor:
    """``1 - IoU`` and the squared distance of the centres in lengths of the enclosing segment.

    In [0, 2), shape (...); of distances as for :func:`offset_iou`.
    """
    enclosing = torch.maximum(predicted, wanted).sum(-1)
    shift = 0.5 * ((predicted[..., 1] - predicted[..., 0]) - (wanted[..., 1] - wanted[..., 0]))
    share = shift / enclosing.clamp_min(torch.finfo(enclosing.dtype).eps)
    return 1 - offset_iou(predicted, wanted) + share.square()


class LossNormaliser(nn.Module):
    """A running mean of the number of positive points, which losses are divided by.

    It is part of the checkpoint, so that a resumed training goes on with it; the official code
    forgets it. Several processes share it: they count the mean of their batches.

    Args:
        start: Before the first batch.
        momentum: Share of the past.
    """

    value: Tensor

    def __init__(self, start: float = 100.0, momentum: float = 0.9) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer('value', torch.tensor(float(start)))

    def forward(self, positives: Tensor | int) -> Tensor:
        """Take a batch into account, in training, and return the mean.

        Args:
            positives: Positive points of the batch; none counts as one.
        """
        if self.training:
            count = torch.as_tensor(positives, dtype=self.value.dtype, device=self.value.device)
            count = count.clone()
            all_reduce(count, 'mean')
            self.value.mul_(self.momentum).add_((1 - self.momentum) * count.clamp_min(1))
        return self.value.clone()
