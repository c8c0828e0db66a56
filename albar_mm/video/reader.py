"""All frames of a video in the order in which they are shown, and when each is shown."""

import os
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..utils.errors import BadVideoError
from .container import AVI, SIZES_DIFFER, container_kind, required_frames
from .shown import rate_of, shown

CHUNK = 16
"""Frames that a reader hands over at once."""


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


class VideoReader(AbstractContextManager):
    """One open video, read once from its first frame to its last; a context manager.

    All readers give the same frames: those that can be decoded, each once, in the order in which
    they are shown, turned upright as the container asks. Two readers differ by at most one grey
    level where their class does not say otherwise.

    Args:
        path: The video.

    Raises:
        BadVideoError: The file is missing, empty, shorter than its container says, or no video.

    Attributes:
        name: Name of the library, e.g. ``'pyav'``.
        kind: Kind of container, see :func:`~.container.container_kind`.
        fps: Average frame rate that the container announces; 0 where it does not.
        announced: Number of frames that are shown, see :mod:`.shown`.
        failures: What the library raises because of the content of a file.
    """

    name: ClassVar[str]
    failures: ClassVar[tuple[type[Exception], ...]]
    fps: float
    announced: int

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        try:
            self.announced = shown(path).count
        except BadVideoError as error:
            raise self.bad(error.reason) from error
        self.kind = container_kind(path)
        with self._failing():
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
        """Open the file; set ``fps``."""

    @abstractmethod
    def _chunks(self) -> Iterator[Frames]:
        """All frames that can be decoded."""

    def chunks(self) -> Iterator[Frames]:
        """All frames, at most :data:`CHUNK` at a time; to be called once.

        Raises:
            BadVideoError: A frame cannot be decoded, frames differ in size, there is none, or more
                than a quarter of those that are shown are missing.
        """
        count, shape = 0, None
        with self._failing():
            for frames in self._chunks():
                shape = shape or frames.pixels.shape[1:]
                if frames.pixels.shape[1:] != shape:
                    raise self.bad(SIZES_DIFFER)
                count += len(frames.pixels)
                if self.kind == AVI:
                    frames = Frames(frames.pixels, np.full(len(frames.pixels), np.nan))
                yield frames
        if not count:
            raise self.bad('none of its frames can be decoded')
        if count < required_frames(self.announced):
            raise self.bad(f'only {count} of {self.announced} frames can be decoded')

    def bad(self, reason: object) -> BadVideoError:
        """The error for this video, with the first line of the reason why it cannot be read."""
        line = (str(reason).strip().splitlines() or ['no message'])[0]
        return BadVideoError.of(str(self.path), f'{self.name}: {line}')

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except BadVideoError:
            raise
        except self.failures as error:
            raise self.bad(error) from error

    def __exit__(self, *_: object) -> None:
        self.close()


class FrameClock:
    """Frames of a reader, at their own rate or brought to another; keeps account of their times.

    Time stamps that the container does not give are made up from its frame rate.

    Args:
        reader: The reader.
        fps: Rate to bring the video to; None leaves it as it is. Frame k of the result is the one
            that is shown at ``(k + 0.5) / fps`` seconds.

    Attributes:
        decoded: Frames that the reader gave.
    """

    def __init__(self, reader: VideoReader, fps: float | None = None) -> None:
        self.reader, self._target = reader, fps
        self.decoded = 0
        self._times: list[np.ndarray] = []

    def chunks(self) -> Iterator[np.ndarray]:
        """Frames, uint8 of shape (n, H, W, 3).

        Raises:
            BadVideoError: See :meth:`VideoReader.chunks`; or no frame rate is known.
        """
        if self._target is not None:
            yield from self._resampled(self._target)
        else:
            yield from (frames.pixels for frames in self._native())

    def rate(self) -> tuple[float, tuple[float, ...] | None]:
        """After the last frame: frames a second, and frame times if the rate varies.

        Raises:
            BadVideoError: No frame rate is known.
        """
        if self._target is not None:
            return self._target, None
        times = np.concatenate(self._times)
        grows = len(times) > 1 and bool(np.isfinite(times).all() and (np.diff(times) > 0).all())
        if not grows:
            return self._known_fps(), None
        fps, even = rate_of(times, self.reader.fps)
        times = times - times[0]
        return fps, None if even else (*times.tolist(), float(times[-1] + 1 / fps))

    def _native(self) -> Iterator[Frames]:
        for frames in self.reader.chunks():
            self._times.append(frames.times_s)
            self.decoded += len(frames.pixels)
            yield frames

    def _known_fps(self) -> float:
        if self.reader.fps <= 0:
            raise self.reader.bad('its frame rate is not known: bring it to one with fps')
        return self.reader.fps

    def _resampled(self, fps: float) -> Iterator[np.ndarray]:
        """Each frame as often as the new rate shows it, once the time of the next one is known."""
        made, time, step, first, held = 0, 0.0, 0.0, 0.0, None
        for frames in self._native():
            ready = []
            for frame, stamp in zip(frames.pixels, frames.times_s, strict=True):
                if held is None:
                    first = stamp
                else:
                    step = stamp - first - time
                    step = step if np.isfinite(step) and step > 0 else 1 / self._known_fps()
                    time += step
                while held is not None and (made + len(ready) + 0.5) / fps < time:
                    ready.append(held)
                held = frame
            if ready:
                yield np.stack(ready)
                made += len(ready)
        if self.reader.fps > 0 or not step:
            step = 1 / self._known_fps()
        late = [] if made else [held]
        while (made + len(late) + 0.5) / fps < time + step:
            late.append(held)
        if late:
            yield np.stack(late)
