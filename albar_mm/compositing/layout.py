"""Where the parts of a built benchmark lie, and reading and writing its stills."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..utils.errors import DatasetError
from ..utils.files import write_bytes
from .conflict import Still

GENERATOR = 'albar_mm/1'
"""Rows of another generator give other pixels."""
SURVEY_FOLDER = '.progress/survey'
STILL_FOLDER = 'stills'


def still_path(root: Path, video_id: str, frame: int) -> Path:
    """Where a still that a video lends to Confl-FG lies: RGB and, as alpha, its mask."""
    return root / STILL_FOLDER / video_id / f'{frame:06d}.png'


def read_still(root: Path, video_id: str, frame: int) -> Still:
    """Read a still.

    Args:
        root: Folder of the benchmark.
        video_id: Video that lends it.
        frame: Its frame.

    Raises:
        DatasetError: It is gone or broken.
    """
    path = still_path(root, video_id, frame)
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if image is None or image.ndim != 3 or image.shape[2] != 4:
        raise DatasetError(
            f'{path}: not a still (PNG with alpha); delete {root / STILL_FOLDER} and build again'
        )
    return Still(cv2.cvtColor(image, cv2.COLOR_BGRA2RGB), image[..., 3] > 0)


def write_still(root: Path, video_id: str, frame: int, still: Still) -> None:
    """Write a still.

    Args:
        root: Folder of the benchmark.
        video_id: Video that lends it.
        frame: Its frame.
        still: Its pixels and mask.

    Raises:
        DatasetError: It cannot be written.
    """
    image = np.dstack([still.frame[..., ::-1], still.mask.astype(np.uint8) * 255])
    done, data = cv2.imencode('.png', image, (cv2.IMWRITE_PNG_COMPRESSION, 1))
    if not done:
        raise DatasetError('OpenCV cannot write PNG pictures; install a full build')
    write_bytes(still_path(root, video_id, frame), data.tobytes())
