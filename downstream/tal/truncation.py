"""Random windows of long videos for training."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np

TRIES = 200


@dataclass(frozen=True)
class Window:
    """A part of a video.

    Attributes:
        first: Its first snippet.
        size: Its length in snippets.
        kept: Which actions are kept, bool, shape (n,).
        segments: Begin and end of these on the axis of the window's snippets, shape (kept, 2).
    """

    first: int
    size: int
    kept: np.ndarray
    segments: np.ndarray


def truncate(
    length: int,
    segments: np.ndarray,
    max_len: int,
    random: ModuleType,
    keep_share: float = 0.5,
    crop_ratio: tuple[float, float] | None = (0.9, 1.0),
    margin: float = 0.0,
) -> Window:
    """Choose a window that keeps an action, as ActionFormer and TriDet do.

    A sequence that is longer than ``max_len`` loses all but ``max_len`` snippets; a shorter one is
    cropped to a random share of its length. A window is drawn again until at least one segment
    keeps ``keep_share`` of its length; after 200 draws the last one is taken. Segments are clipped
    to the window, but for a video that is taken whole.

    Args:
        length: Snippets of the video, T.
        segments: Begin and end of its actions on the axis of snippets, shape (n, 2).
        max_len: See above.
        random: With ``randint(first, last)``, both included: the module ``random`` or alike.
        keep_share: Share of its length within the window from which a segment is kept.
        crop_ratio: Smallest and largest share of a sequence that is not too long; None: all of it.
        margin: How far beyond its window a segment may reach, in snippets.
    """
    size = max_len
    if length <= max_len:
        size = (
            length
            if crop_ratio is None
            else random.randint(
                max(round(crop_ratio[0] * length), 1), min(round(crop_ratio[1] * length), length)
            )
        )
    if size == length:
        return Window(0, length, np.ones(len(segments), bool), segments)
    for _ in range(TRIES):
        first = random.randint(0, length - size)
        inside = segments.clip(first - margin, first + size + margin)
        lengths = segments[:, 1] - segments[:, 0]
        kept = inside[:, 1] - inside[:, 0] >= keep_share * lengths
        if kept.any():
            break
    return Window(first, size, kept, inside[kept] - first)
