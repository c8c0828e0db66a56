"""Losses of detected segments, and what they are divided by."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce
from torch import Tensor, nn


def sigmoid_focal_loss(
    logits: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2.0
) -> Tensor:
    """Focal loss (Lin et al., ICCV 2017) of each entry.

    Args:
        logits: Any shape.
        targets: 0 to 1, of that shape.
        alpha: Weight of positive entries.
        gamma: How much easy ones lose.

    Returns:
        Of that shape.
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
    """IoU of two segments around one point.

    Args:
        predicted: Distances to begin and end, not negative, shape (..., 2).
        wanted: The same.

    Returns:
        In [0, 1], shape (...).
    """
    overlap = torch.minimum(predicted, wanted).sum(-1)
    union = predicted.sum(-1) + wanted.sum(-1) - overlap
    return overlap / union.clamp_min(torch.finfo(union.dtype).eps)


def distance_iou_loss(predicted: Tensor, wanted: Tensor) -> Tensor:
    """``1 - IoU`` and the squared distance of the centres in lengths of the enclosing segment.

    Args:
        predicted: Distances to begin and end, not negative, shape (..., 2).
        wanted: The same.

    Returns:
        In [0, 2), shape (...).
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
