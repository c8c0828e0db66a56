"""Masking people out of a batch of clips, on the device."""

import torch
from torch import Tensor

from .static_frames import time_axis


def num_frames(inputs: Tensor) -> int:
    """Number of frames of a sample: N*T of (B, N, C, T, H, W), N of (B, N, C, H, W)."""
    return inputs.shape[1] * (inputs.shape[3] if time_axis(inputs) == 3 else 1)


def fill_people(inputs: Tensor, masks: Tensor) -> Tensor:
    """Fill the masked pixels of every frame with the mean colour of that frame.

    SDN (Choi et al., NeurIPS 2019) fills boxes in the decoded video, before cropping, with the
    frame's mean colour rounded to whole numbers. Here the *augmented* clip is filled on the device,
    after normalisation: the mean is that of the cropped frame, people included, per channel, and
    not rounded. Normalisation is affine, so filling before it would give the same.

    Args:
        inputs: (B, N, C, T, H, W) or (B, N, C, H, W), any value range; not changed.
        masks: bool (B, F, H, W) from :func:`.person_masks`, frame index n*T + t, or n for 2D.

    Returns:
        Tensor: Like ``inputs``.
    """
    batch, views = inputs.shape[:2]
    height, width = inputs.shape[-2:]
    if time_axis(inputs) == 3:
        masks = masks.view(batch, views, 1, -1, height, width)
    else:
        masks = masks.view(batch, views, 1, height, width)
    mean = inputs.mean((-2, -1), keepdim=True)
    return torch.where(masks, mean, inputs)
