"""Labels of a mini-batch as class probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def class_probabilities(data_samples: Sequence[Any], num_classes: int, who: str) -> Tensor:
    """Read the ``gt_label`` of single-label samples, hard or soft.

    Args:
        data_samples: B samples with ``gt_label``, all int64 (1,) or all (K,).
        num_classes: K.
        who: Who asks, for messages.

    Returns:
        Tensor: float32 (B, K), one-hot for hard labels, on the device of the labels.

    Raises:
        ValueError: A label is missing, out of range or of another number of classes, or a row is no
            probabilities (several labels a clip).
    """
    missing = [i for i, sample in enumerate(data_samples) if 'gt_label' not in sample]
    if missing:
        raise ValueError(f'{who}: sample {missing[0]} of the batch has no gt_label')
    labels = [sample.gt_label for sample in data_samples]
    shapes = sorted({tuple(label.shape) for label in labels})
    if len(shapes) > 1 or shapes[0] not in ((1,), (num_classes,)):
        raise ValueError(
            f'{who} has num_classes={num_classes}: gt_label of every sample must be '
            f'one class index, shape (1,), or class probabilities, shape '
            f'({num_classes},); got {", ".join(map(str, shapes))}'
        )
    stacked = torch.stack(labels)
    if stacked.shape[1] == 1 and not stacked.is_floating_point():
        return _one_hot(stacked[:, 0].long(), num_classes, who)
    if stacked.shape[1] != num_classes:
        raise ValueError(
            f'{who}: a gt_label of shape (1,) must be a whole number, got {stacked.dtype}'
        )
    soft = stacked.float()
    bad = ~((soft >= 0).all(1) & ((soft.sum(1) - 1).abs() < 1e-3))  # NaN is bad too
    if bad.any():
        first = int(bad.nonzero()[0])
        raise ValueError(
            f'{who}: gt_label of sample {first} of the batch must be class probabilities, >= 0 and '
            f'with sum 1, but its sum is {soft[first].sum().item():g} and its least entry '
            f'{soft[first].min().item():g}; data with several labels a clip cannot be blended'
        )
    return soft


def _one_hot(hard: Tensor, num_classes: int, who: str) -> Tensor:
    bad = (hard < 0) | (hard >= num_classes)
    if bad.any():
        first = int(bad.nonzero()[0])
        raise ValueError(
            f'{who} has num_classes={num_classes}, but gt_label of sample {first} of the batch is '
            f'{int(hard[first])}: labels go from 0 to {num_classes - 1}; set num_classes to that '
            'of the head'
        )
    return F.one_hot(hard, num_classes).float()
