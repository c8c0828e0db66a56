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
                # in order: after a jump it gives other frames of some files
                pixels = np.stack([self._reader.next().asnumpy() for _ in wanted])
                if pixels.shape[-1] != 3:
                    raise self.bad('it is rotated, which decord does not read: use another decoder')
                times = self._reader.get_frame_timestamp(wanted)[:, 0].astype(float)
                yield Frames(pixels, np.where(times < 0, np.nan, times))
        except StopIteration:
            return
        except self._error as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> Exception:
        return self.bad(str(error).splitlines()[0].rpartition('] ')[2])

    def close(self) -> None:
        self._reader = None
