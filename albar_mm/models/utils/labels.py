"""Labels of a batch as one tensor, hard or soft."""

from collections.abc import Sequence
from typing import Any

import torch
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
    missing = [i for i, sample in enumerate(data_samples) if 'gt_label' not in sample]
    if missing:
        raise ValueError(
            f'sample {missing[0]} of the batch has no gt_label: the static losses '
            'need the class of every clip'
        )
    labels = torch.stack([sample.gt_label for sample in data_samples]).to(device)
    if labels.ndim == 1 or labels.shape[1] == 1:
        return labels.reshape(-1).long()
    soft = labels.float()
    if (soft < 0).any() or not torch.allclose(soft.sum(1), soft.new_ones(()), atol=1e-3):
        raise ValueError(
            'gt_label rows with several entries must be class probabilities that sum '
            f'to 1, got row sums {soft.sum(1).tolist()}: multi-label data cannot be '
            'trained with static losses'
        )
    return soft
