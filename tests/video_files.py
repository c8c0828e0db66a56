"""Writing small videos for tests."""

from pathlib import Path

import cv2
import numpy as np


def write_video(path: Path, frames: int = 12, side: int = 64, step: int = 5) -> Path:
    """Frame t is grey of brightness ``step * t``.

    Args:
        path: An ``.mp4`` or ``.avi`` file (MPEG-4, as in HMDB51).
        frames: Number of frames.
        side: Height and width in pixels.
        step: Difference between frames.
    """
    code = 'mp4v' if path.suffix == '.mp4' else 'XVID'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 10, (side, side))
    assert writer.isOpened()
    for t in range(frames):
        writer.write(np.full((side, side, 3), step * t, np.uint8))
    writer.release()
    return path
