"""Confl-FG: a still foreground of another class under the moving one.

The published generator was not released. Ours: one frame of a source video of another class, with
its mask, stretched to the host's size (mask: nearest neighbour), keeps its height and moves
sideways away from the host, and lies below the host's moving foreground in every frame.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from .compositing import composite


class Still(NamedTuple):
    """The foreground of one frame.

    Attributes:
        frame: uint8 RGB, shape (H, W, 3).
        mask: bool, shape (H, W), True somewhere.
    """

    frame: np.ndarray
    mask: np.ndarray


def fit_still(still: Still, height: int, width: int) -> Still:
    """Stretch a still to the host's size: the frame with PIL's default filter, the mask nearest.

    A foreground so thin that no pixel of it is left is kept through an area test instead.

    Args:
        still: What to stretch.
        height: Height of the host in px.
        width: Width of the host in px.
    """
    if still.mask.shape == (height, width):
        return still
    frame = np.asarray(Image.fromarray(still.frame).resize((width, height)))
    own = still.mask.astype(np.uint8)
    mask = cv2.resize(own, (width, height), interpolation=cv2.INTER_NEAREST)
    if not mask.any():
        mask = cv2.resize(own * 255, (width, height), interpolation=cv2.INTER_AREA) > 0
    return Still(frame, mask.astype(bool))


def mean_column(masks: np.ndarray) -> float:
    """Mean column of all masked pixels, in px.

    Args:
        masks: bool, shape (..., H, W), True somewhere.
    """
    per_column = masks.reshape(-1, masks.shape[-1]).sum(0, dtype=np.int64)
    return float((per_column * np.arange(len(per_column))).sum() / per_column.sum())


def shift_away(still_mask: np.ndarray, host_masks: np.ndarray) -> int:
    """How far the still moves sideways so that it overlaps little with the moving foreground.

    Half the width to the left or to the right, cut short where the still's mask would leave the
    picture; of the two, the way that ends with its mean column farther from the mean column of the
    host's masks over all frames (right if they end equally far).

    Args:
        still_mask: bool, shape (H, W), at the host's size, True somewhere.
        host_masks: bool, shape (T, H, W), True somewhere.

    Returns:
        Columns to the right (negative: to the left).
    """
    width = still_mask.shape[1]
    columns = np.flatnonzero(still_mask.any(0))
    right = min(width // 2, width - 1 - int(columns[-1]))
    left = max(-(width // 2), -int(columns[0]))
    apart = mean_column(still_mask) - mean_column(host_masks)
    return right if abs(apart + right) >= abs(apart + left) else left


def paste_still(background: np.ndarray, still: Still, shift: int) -> np.ndarray:
    """Draw a still on a background.

    Args:
        background: uint8, shape (H, W, 3); left as it is.
        still: Foreground at that size.
        shift: Columns to the right; the mask must stay inside.

    Returns:
        uint8, shape (H, W, 3).
    """
    # what np.roll brings in from the other side lies outside the mask
    moved = Still(np.roll(still.frame, shift, axis=1), np.roll(still.mask, shift, axis=1))
    return composite(moved.frame[None], moved.mask[None], background)[0]
