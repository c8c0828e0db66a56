"""Writing small videos for tests."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np


def write_frames(path: Path, frames: Iterable, codec: str = 'MJPG', side: int = 32) -> Path:
    """Write square BGR frames (side, side, 3) uint8; none make a container without a frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 10, (side, side))
    assert writer.isOpened()
    for frame in frames:
        writer.write(np.ascontiguousarray(frame))
    writer.release()
    return path


def write_video(path: Path, frames: int = 12, side: int = 64, step: int = 5) -> Path:
    """Frame t is grey of brightness ``step * t``.

    Args:
        path: An ``.mp4`` or ``.avi`` file (MPEG-4, as in HMDB51).
        frames: Number of frames.
        side: Height and width in pixels.
        step: Difference between frames.
    """
    grey = (np.full((side, side, 3), step * t, np.uint8) for t in range(frames))
    return write_frames(path, grey, 'mp4v' if path.suffix == '.mp4' else 'XVID', side)
