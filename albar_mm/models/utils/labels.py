"""Labels of a batch as one tensor, hard or soft."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def batch_labels(data_samples: Sequence[Any], device: torch.device | str) -> Tensor:
    """Stack the ``gt_label`` of single-label samples.

    Returns:
        Tensor: int64 (B,) when every sample holds one class index, else float (B, K) rows that are
        probabilities (what a blending writes).

    Raises:
        ValueError: If a sample has no label or rows are not probabilities (multi-label data, for
            which "the" class a static frame could give away is not defined).
    """
    labels = torch.stack(_labels(data_samples, 'the static losses')).to(device)
    if labels.ndim == 1 or labels.shape[1] == 1:
        return labels.reshape(-1).long()
    return _probabilities(labels, 'the static losses')


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
    labels = _labels(data_samples, who)
    shapes = sorted({tuple(label.shape) for label in labels})
    if len(shapes) > 1 or shapes[0] not in ((1,), (num_classes,)):
        raise ValueError(
            f'{who} has num_classes={num_classes}: gt_label of every sample must be '
            f'one class index, shape (1,), or class probabilities, shape '
            f'({num_classes},); got {", ".join(map(str, shapes))}'
        )
    stacked = torch.stack(labels)
    if stacked.shape[1] == 1 and not stacked.is_floating_point():
        hard = stacked[:, 0].long()
        bad = ((hard < 0) | (hard >= num_classes)).nonzero()
        if len(bad):
            first = int(bad[0])
            raise ValueError(
                f'{who} has num_classes={num_classes}, but gt_label of sample {first} of the batch '
                f'is {int(hard[first])}: labels go from 0 to {num_classes - 1}; set num_classes to '
                'that of the head'
            )
        return F.one_hot(hard, num_classes).float()
    if stacked.shape[1] != num_classes:
        raise ValueError(
            f'{who}: a gt_label of shape (1,) must be a whole number, got {stacked.dtype}'
        )
    return _probabilities(stacked, who)


def _labels(data_samples: Sequence[Any], who: str) -> list[Tensor]:
    for index, sample in enumerate(data_samples):
        if 'gt_label' not in sample:
            raise ValueError(f'{who}: sample {index} of the batch has no gt_label')
    return [sample.gt_label for sample in data_samples]


def _probabilities(labels: Tensor, who: str) -> Tensor:
    soft = labels.float()
    bad = ~((soft >= 0).all(1) & ((soft.sum(1) - 1).abs() < 1e-3))  # NaN is bad too
    if bad.any():
        first = int(bad.nonzero()[0])
        raise ValueError(
            f'{who}: gt_label of sample {first} of the batch must be class probabilities, >= 0 and '
            f'with sum 1, but its sum is {soft[first].sum().item():g} and its least entry '
            f'{soft[first].min().item():g}; multi-label data, several labels a clip, cannot be used'
        )
    return soft
