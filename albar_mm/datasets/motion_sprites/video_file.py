"""Writing video files whose frames know nothing of each other."""

import errno
import os
from pathlib import Path

import cv2
import numpy as np

from ...video.container import announced_bytes

FPS = 8
QUALITY = 95
"""JPEG quality of the frames."""


def write_mjpeg(path: Path, frames: np.ndarray) -> None:
    """Write frames as Motion-JPEG in AVI, whole or not at all.

    Each frame is a JPEG of its own. A codec with inter-frame prediction would leave traces of the
    motion in every single frame, and the static clip would tell the class.

    Args:
        path (Path): Target, ending in ``.avi``; its folder exists.
        frames (np.ndarray): uint8 RGB (T, H, W, 3).

    Raises:
        OSError: If OpenCV cannot write the file, or not all of it.
    """
    temporary = path.with_name(f'.{path.stem}.{os.getpid()}.avi')
    height, width = frames.shape[1:3]
    writer = cv2.VideoWriter(
        str(temporary), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter_fourcc(*'MJPG'), FPS, (width, height)
    )
    if not writer.isOpened():
        raise OSError(f'OpenCV cannot write {path}: is the folder writable and the disk not full?')
    writer.set(cv2.VIDEOWRITER_PROP_QUALITY, QUALITY)
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    try:
        # OpenCV says nothing when the disk is full
        size, announced = temporary.stat().st_size, announced_bytes(temporary)
        if announced is None or size < announced:
            raise OSError(
                errno.ENOSPC,
                f'{path.name}: only {size} of {announced} bytes were written; is the disk full?',
            )
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
