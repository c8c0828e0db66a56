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

from albar_mm.utils.errors import BadVideoError
from albar_mm.video.strict_reading import MAX_MISSING, container_fault

CHUNK = 16
"""Frames that a reader hands over at once."""
AVI = 'avi'
_ISO_BOXES = (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip', b'pnot')
_MAGIC = {
    b'\x1a\x45\xdf\xa3': 'matroska',
    b'\x30\x26\xb2\x75': 'asf',
    b'FLV': 'flv',
    b'\x00\x00\x01\xba': 'mpegps',
    b'OggS': 'ogg',
}
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
    level. Exceptions: AVI files count frames that were never coded (mostly
    one, at the end), for which decord repeats the last picture. And decord places the colours of
    videos of odd width or height differently, and does not read rotated ones.

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
        self._kind = _container(self.path)
        if self._kind is None:
            # a decoder may find pictures all the same, and would make up when they are shown
            raise self.bad(
                'it does not begin like a video file (mp4, mov, avi, mkv, webm, wmv, flv, ts, mpg)'
            )
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
        count, shape = 0, None
        for frames in self._chunks():
            shape = shape or frames.pixels.shape[1:]
            if frames.pixels.shape[1:] != shape:
                raise self.bad(SIZES_DIFFER)
            count += len(frames.pixels)
            if self._kind == AVI:
                frames = Frames(frames.pixels, np.full(len(frames.pixels), np.nan))
            yield frames
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _container(path: Path) -> str | None:
    """Kind of container by its first bytes; None for none, as a bare stream of pictures is."""
    with path.open('rb') as stream:
        head = stream.read(189)
    if head[:4] == b'RIFF' and head[8:12] == b'AVI ':
        return AVI
    if head[4:8] in _ISO_BOXES:
        return 'iso'
    if head[:1] == head[188:] == b'G':
        return 'mpegts'
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def turned(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """Frames turned clockwise.

    Args:
        pixels: Shape (n, H, W, 3).
        degrees: A multiple of 90; others are taken as 0, as players do.
    """
    quarters = round(degrees / 90) % 4 if degrees % 90 == 0 else 0
    return np.ascontiguousarray(np.rot90(pixels, -quarters, (1, 2))) if quarters else pixels
