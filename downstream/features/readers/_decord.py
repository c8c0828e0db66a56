"""Reading with decord."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .base import CHUNK, Frames, VideoReader


class DecordReader(VideoReader):
    """Reads with decord."""

    name = 'decord'

    def _open(self) -> None:
        import decord

        self._error = (decord.DECORDError, RuntimeError)
        try:
            self._reader = decord.VideoReader(str(self.path), num_threads=1)
        except self._error as error:
            raise self._failed(error) from error
        self.fps, self.announced = float(self._reader.get_avg_fps()), len(self._reader)

    @classmethod
    def version(cls) -> str:
        import decord

        return decord.__version__

    def _chunks(self) -> Iterator[Frames]:
        try:
            for start in range(0, self.announced, CHUNK):
                wanted = range(start, min(start + CHUNK, self.announced))
                pixels = self._reader.get_batch(wanted).asnumpy()
                times = self._reader.get_frame_timestamp(wanted)[:, 0].astype(float)
                yield Frames(pixels, np.where(times < 0, np.nan, times))
                self._reader.seek(0)  # or it keeps more and more of a long video in memory
        except self._error as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> Exception:
        return self.bad(str(error).splitlines()[0].rpartition('] ')[2])

    def close(self) -> None:
        self._reader = None
