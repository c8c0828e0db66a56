"""Writing video files whose frames know nothing of each other."""

import errno
from pathlib import Path

import cv2
import numpy as np

from ...utils.files import whole_file
from ...video.container import announced_bytes

FPS = 8
QUALITY = 95
"""JPEG quality of the frames."""


def write_mjpeg(path: Path, frames: np.ndarray) -> None:
    """Write frames as Motion-JPEG in AVI, whole or not at all.

    Each frame is a JPEG of its own. A codec with inter-frame prediction would leave traces of the
    motion in every single frame, and the static clip would tell the class.

    Args:
        path: Target, ending in ``.avi``; its folder is made if absent.
        frames: uint8 RGB (T, H, W, 3).

    Raises:
        WriteError: OpenCV cannot write the file, or not all of it.
    """
    code = cv2.VideoWriter_fourcc(*'MJPG')
    with whole_file(path) as part:
        writer = cv2.VideoWriter(str(part), cv2.CAP_OPENCV_MJPEG, code, FPS, frames.shape[2:0:-1])
        if not writer.isOpened():
            raise OSError('OpenCV cannot open it for writing')
        writer.set(cv2.VIDEOWRITER_PROP_QUALITY, QUALITY)
        for frame in frames:
            writer.write(np.ascontiguousarray(frame[..., ::-1]))
        writer.release()
        # OpenCV says nothing when the disk is full
        announced = announced_bytes(part)
        if announced is None or part.stat().st_size < announced:
            raise OSError(errno.ENOSPC, 'not all of it was written')
