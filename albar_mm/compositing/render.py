"""From a manifest row to pixels: the one place where items get their look.

The exporter, the check of an exported set and the on-the-fly transforms all come here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .compositing import composite
from .conflict import Still, fit_still, paste_still


def needed_frames(row: Mapping[str, Any], indices: Sequence[int]) -> list[int]:
    """Which kept frames have to be decoded and rendered to show some frames of an item.

    Args:
        row: Row of the manifest.
        indices: Frames of the item that are to be shown, in any order, some more than once.

    Returns:
        Kept frames, each once, ascending; for SCUFO the one frame that is repeated.
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
    """All frames of one item.

    Args:
        row: Row of the manifest.
        frames: The whole source video, uint8 (N, H, W, 3).
        masks: Masks of the kept frames ``row['first']`` to ``row['last']``, bool (T, H, W).
        background: The item's background at the size of the video, uint8 (H, W, 3).
        still: The foreign foreground of a Confl-FG item, at the size of its own video.
        out: Buffer for SCUBA and Confl-FG, uint8 (T, H, W, 3).

    Returns:
        uint8 (T, H, W, 3); for SCUFO a read-only view of one frame, repeated.
    """
    kept = frames[row['first'] : row['last'] + 1]
    if row['set'] == 'scufo':
        chosen = needed_frames(row, ())
        return np.broadcast_to(
            render_frames(row, kept[chosen], masks[chosen], background), kept.shape
        )
    return render_frames(row, kept, masks, background, still, out)
