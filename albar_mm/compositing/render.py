"""From a manifest row to pixels: the one place where items get their look.

The exporter, the check of an exported set and the on-the-fly transforms all come here.

The published generator of Confl-FG was not released. Ours: one frame of a source video of another
class, with its mask, stretched to the host's size (mask: nearest neighbour), keeps its height and
moves sideways away from the host, and lies below the host's moving foreground in every frame.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image


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
    """Mean column of all masked pixels, in px, of bool (..., H, W), True somewhere."""
    per_column = masks.reshape(-1, masks.shape[-1]).sum(0, dtype=np.int64)
    return float((per_column * np.arange(len(per_column))).sum() / per_column.sum())


def shift_away(still_mask: np.ndarray, host_masks: np.ndarray) -> int:
    """How far, in columns to the right, a still moves to overlap little with the host's foreground.

    Half the width to the left or to the right, cut short where the still's mask would leave the
    picture; of the two, the way that ends with its mean column farther from the mean column of the
    host's masks over all frames (right if they end equally far). Masks are bool (H, W) at the
    host's size, and (T, H, W), True somewhere.
    """
    width = still_mask.shape[1]
    columns = np.flatnonzero(still_mask.any(0))
    right = min(width // 2, width - 1 - int(columns[-1]))
    left = max(-(width // 2), -int(columns[0]))
    apart = mean_column(still_mask) - mean_column(host_masks)
    return right if abs(apart + right) >= abs(apart + left) else left


def paste_still(background: np.ndarray, still: Still, shift: int) -> np.ndarray:
    """Draw a still on a background of its size, uint8 (H, W, 3), that is left as it is.

    It moves ``shift`` columns to the right; its mask must stay inside.
    """
    # what np.roll brings in from the other side lies outside the mask
    moved = Still(np.roll(still.frame, shift, axis=1), np.roll(still.mask, shift, axis=1))
    return composite(moved.frame[None], moved.mask[None], background)[0]


def needed_frames(row: Mapping[str, Any], indices: Sequence[int]) -> list[int]:
    """Which kept frames have to be decoded and rendered to show frames ``indices`` of an item.

    Each once, ascending; for SCUFO the one frame that is repeated.
    """
    return [row['scufo_frame']] if row['set'] == 'scufo' else sorted(set(indices))


def render_frames(
    row: Mapping[str, Any],
    frames: np.ndarray | Sequence[np.ndarray],
    masks: np.ndarray,
    background: np.ndarray,
    still: Still | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Some frames of one item.

    Args:
        row: Row of the manifest.
        frames: Frames of the source video, uint8 (T, H, W, 3) or a list of (H, W, 3); for SCUFO
            those of :func:`needed_frames`.
        masks: Their masks, bool (T, H, W).
        background: The item's background at the size of the video, uint8 (H, W, 3).
        still: The foreign foreground of a Confl-FG item, at the size of its own video.
        out: Buffer, uint8 (T, H, W, 3).

    Returns:
        uint8 (T, H, W, 3).

    Raises:
        ValueError: A Confl-FG item without ``still``.
    """
    if row['set'] == 'conflfg':
        if still is None:
            raise ValueError(f'{row["id"]}: a Confl-FG item needs its still foreground')
        fitted = fit_still(still, *background.shape[:2])
        background = paste_still(background, fitted, row['conflict_shift'])
    return composite(frames, masks, background, out)


def render_item(
    row: Mapping[str, Any],
    frames: np.ndarray,
    masks: np.ndarray,
    background: np.ndarray,
    still: Still | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """All frames of one item, uint8 (T, H, W, 3); for SCUFO a read-only view of one, repeated.

    As :func:`render_frames`, of the source video (as :class:`.SourceVideo` gives its frames at the
    row's ``kept_fps``), uint8 (N, H, W, 3), and the masks of its
    frames ``row['first']`` to ``row['last']``, bool (T, H, W).
    """
    kept = frames[row['first'] : row['last'] + 1]
    if row['set'] == 'scufo':
        chosen = needed_frames(row, ())
        return np.broadcast_to(
            render_frames(row, kept[chosen], masks[chosen], background), kept.shape
        )
    return render_frames(row, kept, masks, background, still, out)
