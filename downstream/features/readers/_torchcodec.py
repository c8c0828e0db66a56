"""Reading with torchcodec, which uses the FFmpeg of the system."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from .base import CHUNK, Frames, VideoReader


class TorchCodecReader(VideoReader):
    """Reads with torchcodec."""

    name = 'torchcodec'

    def _open(self) -> None:
        from torchcodec.decoders import VideoDecoder

        self._error = (RuntimeError, ValueError)
        try:
            self._decoder = VideoDecoder(
                str(self.path), dimension_order='NHWC', num_ffmpeg_threads=1, seek_mode='exact'
            )
        except self._error as error:
            raise self.bad(str(error).splitlines()[0]) from error
        found = self._decoder.metadata
        self.fps, self.announced = float(found.average_fps or 0), int(found.num_frames or 0)

    @classmethod
    def version(cls) -> str:
        from torchcodec import decoders  # noqa: F401  fails where FFmpeg is not found

        return version('torchcodec')

    def _chunks(self) -> Iterator[Frames]:
        try:
            for start in range(0, self.announced, CHUNK):
                batch = self._decoder.get_frames_in_range(start, min(start + CHUNK, self.announced))
                yield Frames(batch.data.numpy(), batch.pts_seconds.numpy())
        except self._error as error:
            raise self.bad(str(error).splitlines()[0]) from error

    def close(self) -> None:
        self._decoder = None
