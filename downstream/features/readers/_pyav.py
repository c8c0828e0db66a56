"""Reading with PyAV, which brings its own FFmpeg."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from .base import CHUNK, SIZES_DIFFER, Frames, VideoReader, turned


class PyAVReader(VideoReader):
    """Reads with PyAV."""

    name = 'pyav'

    def _open(self) -> None:
        import av

        self._error = (av.error.FFmpegError, OSError, ValueError)
        try:
            self._container = av.open(str(self.path), metadata_errors='replace')
        except self._error as error:
            raise self.bad(error) from error
        if not self._container.streams.video:
            self.close()
            raise self.bad('it holds no video stream')
        self._stream = self._container.streams.video[0]
        # as many videos are read at once as there are cores
        self._stream.codec_context.thread_count = 1
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.fps, self.announced = float(rate or 0), int(self._stream.frames or 0)

    @classmethod
    def version(cls) -> str:
        import av

        return av.__version__

    def _chunks(self) -> Iterator[Frames]:
        try:
            decoded = self._container.decode(self._stream)
            while frames := list(islice(decoded, CHUNK)):
                # bicubic, as OpenCV: it matters where colours are wider than an odd picture
                pixels = [
                    frame.to_ndarray(format='rgb24', interpolation='BICUBIC') for frame in frames
                ]
                if any(each.shape != pixels[0].shape for each in pixels):
                    raise self.bad(SIZES_DIFFER)
                times = [np.nan if frame.time is None else frame.time for frame in frames]
                # FFmpeg counts the angle counter-clockwise
                yield Frames(turned(np.stack(pixels), -frames[0].rotation), np.array(times))
        except self._error as error:
            raise self.bad(error) from error

    def close(self) -> None:
        self._container.close()
