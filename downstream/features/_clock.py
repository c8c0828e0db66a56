"""When the frames of one video are shown (used by :mod:`downstream.features` only)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .readers import Frames, VideoReader


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
            BadVideoError: See :meth:`~.readers.VideoReader.chunks`; or no frame rate is known.
        """
        native = self._native()
        yield from (
            (frames.pixels for frames in native)
            if self._target is None
            else (self._resampled(native))
        )

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
        times = times - times[0]
        even = np.arange(len(times)) / self.reader.fps if self.reader.fps > 0 else None
        if even is not None and np.abs(times - even).max() <= 0.5 / self.reader.fps:
            return self.reader.fps, None
        average = (len(times) - 1) / times[-1]
        if np.abs(times - np.arange(len(times)) / average).max() <= 0.5 / average:
            return float(average), None
        return float(average), (*times.tolist(), float(times[-1] + 1 / average))

    def _native(self) -> Iterator[Frames]:
        for frames in self.reader.chunks():
            self._times.append(frames.times_s)
            self.decoded += len(frames.pixels)
            yield frames

    def _known_fps(self) -> float:
        if self.reader.fps <= 0:
            raise self.reader.bad('its frame rate is not known: bring it to one with fps')
        return self.reader.fps

    def _resampled(self, native: Iterator[Frames]) -> Iterator[np.ndarray]:
        made, time, held, step = 0, 0.0, None, 0.0
        first = None
        for frames in native:
            ready = []
            for frame, stamp in zip(frames.pixels, frames.times_s, strict=True):
                first = stamp if first is None else first
                if held is not None:
                    step = stamp - first - time
                    step = step if np.isfinite(step) and step > 0 else 1 / self._known_fps()
                    time += step
                    while (made + 0.5) / self._target < time:
                        ready.append(held)
                        made += 1
                held = frame
            if ready:
                yield np.stack(ready)
        if self.reader.fps > 0:
            step = 1 / self.reader.fps
        elif not step:
            step = 1 / self._known_fps()
        late = []
        while (made + 0.5) / self._target < time + step or not made:
            late.append(held)
            made += 1
        if late:
            yield np.stack(late)
