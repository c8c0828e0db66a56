"""Choosing one frame of a clip and turning it into a static clip.

The one place that knows where the time axis of a batch is and what the settings ``'random'``,
``'first'``, ``'middle'``, ``'last'`` and an integer mean.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

FRAME_CHOICES = ('random', 'middle', 'first', 'last')


def check_frame_choice(frame: Any, where: str) -> str | int:
    """Return ``frame`` when it is a legal frame choice.

    Args:
        frame: One of ``'random'``, ``'middle'``, ``'first'``, ``'last'`` or an index >= 0.
        where: Name of the setting, used in the error.

    Raises:
        ValueError: If ``frame`` is anything else.
    """
    if not (type(frame) is int and frame >= 0) and frame not in FRAME_CHOICES:
        raise ValueError(
            f'{where} must be one of {", ".join(map(repr, FRAME_CHOICES))} or an index '
            f'>= 0, got {frame!r}'
        )
    return frame


def fixed_frame_index(frame: str | int, num_frames: int) -> int:
    """Index of a frame choice that needs no draw.

    ``'middle'`` is ``num_frames // 2`` (16 of 32); an integer is clamped to the last frame.
    """
    named = dict(first=0, middle=num_frames // 2, last=num_frames - 1)
    return named[frame] if frame in named else min(int(frame), num_frames - 1)


def time_axis(inputs: Tensor) -> int:
    """Axis of the frames of a batch.

    3 for (B, N, C, T, H, W), the layout of 3D recognisers; 1 for (B, N, C, H, W), the layout of 2D
    recognisers, where the N segments play the part of T.

    Raises:
        ValueError: For any other number of dimensions.
    """
    if inputs.ndim not in (5, 6):
        raise ValueError(
            'a static clip needs a batch of shape (B, N, C, T, H, W) or (B, N, C, H, W), '
            f'got {tuple(inputs.shape)}'
        )
    return 3 if inputs.ndim == 6 else 1


def static_frame_indices(
    data_samples: Sequence[Any], num_frames: int, frame: str | int, device: torch.device | str
) -> Tensor:
    """One frame index per sample.

    An index that the pipeline wrote (``static_frame`` in the metainfo, see
    :class:`albar_mm.datasets.transforms.StaticClip`) wins over ``frame`` and is clamped to the last
    frame. For ``frame='random'``, indices of samples without one are drawn on ``device``.

    Returns:
        Tensor: int64, shape (B,), values in [0, num_frames).
    """
    given = [sample.metainfo.get('static_frame') for sample in data_samples]
    fixed = 0 if frame == 'random' else fixed_frame_index(frame, num_frames)
    indices = [fixed if index is None else min(int(index), num_frames - 1) for index in given]
    if min(indices) < 0:
        raise ValueError(f"metainfo 'static_frame' must be >= 0, got {min(indices)}")
    known = torch.tensor(indices, dtype=torch.long, device=device)
    if frame != 'random' or None not in given:
        return known
    drawn = torch.randint(num_frames, (len(given),), device=device)
    return torch.where(torch.tensor([i is None for i in given], device=device), drawn, known)


def take_frames(inputs: Tensor, indices: Tensor) -> Tensor:
    """Copy one frame per sample, keeping the time axis with length 1.

    Args:
        inputs: (B, N, C, T, H, W) or (B, N, C, H, W).
        indices: int64 (B,).

    Returns:
        Tensor: (B, N, C, 1, H, W) or (B, 1, C, H, W); never a view of ``inputs``.
    """
    axis = time_axis(inputs)
    rows = torch.arange(len(inputs), device=inputs.device)
    return inputs.movedim(axis, 1)[rows, indices.to(inputs.device)].unsqueeze(axis)


def repeat_frames(frames: Tensor, num_frames: int) -> Tensor:
    """Repeat a frame along the time axis.

    The copies are real memory, not an expanded view, so that a gradient per frame exists.

    Args:
        frames: Output of :func:`take_frames`.
        num_frames: T, the length of the static clip.
    """
    repeats = [1] * frames.ndim
    repeats[time_axis(frames)] = num_frames
    return frames.repeat(repeats)
