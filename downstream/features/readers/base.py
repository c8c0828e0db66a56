"""What a video reader gives: frames in the order in which they are shown, and when."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar

import numpy as np

from albar_mm.datasets.strict_reading import MAX_MISSING, BadVideoError, container_fault

CHUNK = 16
"""Frames that a reader hands over at once."""
SIZES_DIFFER = 'its frames differ in size'


@dataclass(frozen=True)
class Frames:
    """Some frames that follow each other.

    Attributes:
        pixels: uint8 RGB, shape (n, H, W, 3), n >= 1, upright.
        times_s: float64, shape (n,): when each is shown, as the container says; NaN where it does
            not say (AVI files have no time stamps; what libraries make up for them is not used).
    """

    pixels: np.ndarray
    times_s: np.ndarray


class VideoReader(ABC):
    """One open video, read once from its first frame to its last; a context manager.

    All readers give the same frames: those that can be decoded, each once, in the order in which
    they are shown, turned upright as the container asks. Two readers differ by at most one grey
    level. One container does not allow it: AVI files count frames that were never coded (mostly
    one, at the end), for which decord repeats the last picture.

    Args:
        path: The video.

    Raises:
        BadVideoError: The file is missing, empty, shorter than its container says, or no video.

    Attributes:
        name: Name of the library, e.g. ``'pyav'``.
        fps: Average frame rate that the container announces; 0 where it does not.
        announced: Number of frames that the container announces; 0 where it does not.
    """

    name: ClassVar[str]
    fps: float
    announced: int

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        fault = container_fault(path)
        if fault:
            raise self.bad(fault)
        self._open()

    @classmethod
    @abstractmethod
    def version(cls) -> str:
        """Version of the library.

        Raises:
            ImportError: It is not installed, or cannot be loaded.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""

    @abstractmethod
    def _open(self) -> None:
        """Open the file; set ``fps`` and ``announced``."""

    @abstractmethod
    def _chunks(self) -> Iterator[Frames]:
        """All frames that can be decoded."""

    def chunks(self) -> Iterator[Frames]:
        """All frames, at most :data:`CHUNK` at a time; to be called once.

        Raises:
            BadVideoError: A frame cannot be decoded, frames differ in size, there is none, or more
                than a quarter of those that the container announces are missing.
        """
        count, shape, avi = 0, None, _is_avi(self.path)
        for frames in self._chunks():
            shape = shape or frames.pixels.shape[1:]
            if frames.pixels.shape[1:] != shape:
                raise self.bad(SIZES_DIFFER)
            count += len(frames.pixels)
            yield Frames(frames.pixels, np.full(len(frames.pixels), np.nan)) if avi else frames
        if not count:
            raise self.bad('none of its frames can be decoded')
        if count < (1 - MAX_MISSING) * self.announced:
            raise self.bad(f'only {count} of {self.announced} frames can be decoded')

    def bad(self, reason: object) -> BadVideoError:
        """The error for a video that cannot be read.

        Args:
            reason: Why, in a few words.
        """
        text = ' '.join(str(reason).split())
        return BadVideoError.of(str(self.path), f'{self.name}: {text or "no message"}')

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        self.close()


def _is_avi(path: Path) -> bool:
    with path.open('rb') as stream:
        head = stream.read(12)
    return head[:4] == b'RIFF' and head[8:] == b'AVI '


def turned(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """Frames turned clockwise.

    Args:
        pixels: Shape (n, H, W, 3).
        degrees: A multiple of 90; others are taken as 0, as players do.
    """
    quarters = round(degrees / 90) % 4 if degrees % 90 == 0 else 0
    return np.ascontiguousarray(np.rot90(pixels, -quarters, (1, 2))) if quarters else pixels
