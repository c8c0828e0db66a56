"""The pixels: a moving foreground on a still background, through a hard mask."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np


def composite(
    frames: np.ndarray | Sequence[np.ndarray],
    masks: np.ndarray,
    background: np.ndarray,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Put the masked pixels of every frame on one still background.

    Equals ``uint8(frame * m + background * (1 - m))`` of the SCUBA recipe with ``m`` in {0, 1} and
    truncation: no feathering, and the mask has the size of the frame.

    Args:
        frames: uint8, shape (T, H, W, 3), or a list of T frames (H, W, 3).
        masks: bool, shape (T, H, W), True where the frame stays.
        background: Shape (H, W, 3), values in [0, 256); fractions are cut off.
        out: Buffer to write to, uint8 (T, H, W, 3); not ``frames``. Made when None.

    Returns:
        ``out``, uint8 (T, H, W, 3).

    Raises:
        ValueError: The shapes do not fit together.
    """
    shapes = {(*frame.shape,) for frame in frames}
    if (
        masks.shape[0] != len(frames)
        or shapes - {(*masks.shape[1:], 3)}
        or (background.shape != (*masks.shape[1:], 3))
    ):
        of_frames = (len(frames), *next(iter(shapes), ()))
        raise ValueError(
            f'frames {of_frames}, masks {masks.shape} and background {background.shape} '
            'do not fit together'
        )
    if out is None:
        out = np.empty((*masks.shape, 3), np.uint8)
    still = background.astype(np.uint8, copy=False)
    selected = np.ascontiguousarray(masks).view(np.uint8)
    for frame, mask, target in zip(frames, selected, out, strict=True):
        target[:] = still  # frame by frame, as it is in the processor's cache then
        cv2.copyTo(frame, mask, target)
    return out
