"""A video file with its score drawn below."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import check_output

from ..features.readers import VideoReader
from .detect import ScoredVideo
from .visualize import CurveUnderVideo


def write_overlay(
    path: Path, video: Path, scored: ScoredVideo, reader: type[VideoReader], threshold: float = 0.5
) -> Path:
    """Write the frames of a video with their score and the curve.

    Args:
        path: .mp4 file to write, whole or not at all.
        video: The video.
        scored: Its scores.
        reader: Reads it.
        threshold: From which a frame is marked.

    Returns:
        The file.

    Raises:
        DatasetError: It cannot be written.
    """
    check_output(path)
    part = path.with_name(f'.{path.stem}.{os.getpid()}.mp4')
    writer, index = None, 0
    try:
        with reader(video) as opened:
            for chunk in opened.chunks():
                for frame in chunk.pixels[..., ::-1]:
                    if writer is None:
                        # codecs take even sides alone
                        height, width = (side // 2 * 2 for side in frame.shape[:2])
                        draw = CurveUnderVideo(scored, width, threshold)
                        fps = opened.fps or scored.grid.fps
                        writer = cv2.VideoWriter(
                            str(part),
                            cv2.VideoWriter_fourcc(*'mp4v'),
                            fps,
                            (width, height + draw.height),
                        )
                        if not writer.isOpened():
                            raise DatasetError(f'{path}: OpenCV cannot write .mp4 files here')
                    inside = np.ascontiguousarray(frame[:height, :width])
                    # scores may be of another frame rate than the file's
                    writer.write(draw(inside, round(index * scored.grid.fps / fps)))
                    index += 1
        writer.release()
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path
