"""The source videos of a benchmark: IID test videos whose background is to be replaced."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.datasets.transforms import DecordDecode, DecordInit, OpenCVDecode, OpenCVInit

from ..utils.errors import BadVideoError
from .strict_reading import read_strictly


@dataclass(eq=False)
class SourceVideo:
    """One source video; its frames are decoded when they are first asked for, and kept.

    Attributes:
        video_id: Name within the benchmark, unique: the items made from it are ``<video_id>__<k>``.
        path: The video file.
        label: Class index of the action.
        class_name: Name of the class; '' where it is not known.
    """

    video_id: str
    path: Path
    label: int
    class_name: str = ''
    _frames: np.ndarray | None = field(default=None, repr=False)

    @property
    def frames(self) -> np.ndarray:
        """All frames, uint8 RGB of shape (T, H, W, 3), T >= 1.

        Raises:
            BadVideoError: The file cannot be read.
        """
        if self._frames is None:
            self._frames = read_frames(self.path)
        return self._frames

    def forget_frames(self) -> None:
        """Free the memory of the frames; they are decoded again when asked for."""
        self._frames = None

    def __getstate__(self) -> dict:
        return dict(self.__dict__, _frames=None)  # what goes to a worker process is the name alone


def read_frames(path: Path) -> np.ndarray:
    """Decode a whole video with MMAction2's reading steps.

    decord where it is installed, else OpenCV; both stop at the last frame that is there, though
    OpenCV announces more frames than many AVI files hold.

    Args:
        path: The video file.

    Returns:
        uint8 RGB, shape (T, H, W, 3), T >= 1.

    Raises:
        BadVideoError: It cannot be read; names the file.
    """
    if importlib.util.find_spec('decord'):
        steps = [DecordInit(), _all_frames, DecordDecode()]
    else:
        steps = [OpenCVInit(), _OpenCVDecodeAll()]
    frames = read_strictly(steps, dict(filename=str(path)))['imgs']
    if any(frame.shape != frames[0].shape for frame in frames):
        raise BadVideoError.of(str(path), 'its frames differ in size')
    return np.stack(frames)


def _all_frames(results: dict[str, Any]) -> dict[str, Any]:
    return dict(results, frame_inds=np.arange(results['total_frames']))


class _OpenCVDecodeAll(OpenCVDecode):
    """Reads from the first frame to the last that can be decoded, without making up the rest."""

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        frames: list[np.ndarray] = []
        for index in range(results['total_frames']):
            frame = results['video_reader'][index]
            if frame is None:
                break
            frames.append(frame[:, :, ::-1])
        return dict(results, imgs=frames, video_reader=None)
