"""The video readers of features: PyAV, which is always there, and torchcodec."""

from collections.abc import Iterator
from importlib.metadata import version
from itertools import islice

import av
import numpy as np

from albar_mm.utils.errors import LaunchError, reason_of
from albar_mm.utils.numbers import one_of
from albar_mm.video.container import AVI
from albar_mm.video.reader import CHUNK, SIZES_DIFFER, FrameClock, Frames, VideoReader, turned

from .store import FORMER_DECODERS

__all__ = ['CHUNK', 'READERS', 'FrameClock', 'Frames', 'VideoReader', 'choose_reader']


class TorchCodecReader(VideoReader):
    """Reads with torchcodec, which uses the FFmpeg of the system.

    It places the colours of videos of odd width or height differently, by up to some 30 grey
    levels, and does not get to the end of AVI files that count frames which were never coded.
    """

    name = 'torchcodec'
    failures = (RuntimeError, ValueError)

    def _open(self) -> None:
        from torchcodec.decoders import VideoDecoder

        self._decoder = VideoDecoder(
            str(self.path), dimension_order='NHWC', num_ffmpeg_threads=1, seek_mode='exact'
        )
        found = self._decoder.metadata
        self.fps, self.announced = float(found.average_fps or 0), int(found.num_frames or 0)

    @classmethod
    def version(cls) -> str:
        from torchcodec import decoders  # noqa: F401  fails where FFmpeg is not found

        return version('torchcodec')

    def _chunks(self) -> Iterator[Frames]:
        for start in range(0, self.announced, CHUNK):
            end = min(start + CHUNK, self.announced)
            try:
                batch = self._decoder.get_frames_in_range(start, end)
            except RuntimeError as error:
                if self.kind != AVI:
                    raise
                reason = f'frames {start} to {end - 1} of this AVI file cannot be found by time'
                raise self.bad(f'{reason}: use pyav (--decoder pyav)') from error
            yield Frames(batch.data.numpy(), batch.pts_seconds.numpy())

    def close(self) -> None:
        self._decoder = None


class PyAVReader(VideoReader):
    """Reads with PyAV, which brings its own FFmpeg."""

    name = 'pyav'
    failures = (av.error.FFmpegError, OSError, ValueError)

    def _open(self) -> None:
        self._container = av.open(str(self.path), metadata_errors='replace')
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
        return av.__version__

    def _chunks(self) -> Iterator[Frames]:
        decoded = self._container.decode(self._stream)
        while frames := list(islice(decoded, CHUNK)):
            # bicubic, as OpenCV: it matters where colours are wider than an odd picture
            pixels = [frame.to_ndarray(format='rgb24', interpolation='BICUBIC') for frame in frames]
            if any(each.shape != pixels[0].shape for each in pixels):
                raise self.bad(SIZES_DIFFER)
            times = [np.nan if frame.time is None else frame.time for frame in frames]
            # FFmpeg counts the angle counter-clockwise
            yield Frames(turned(np.stack(pixels), -frames[0].rotation), np.array(times))

    def close(self) -> None:
        self._container.close()


READERS: dict[str, type[VideoReader]] = {
    reader.name: reader for reader in (TorchCodecReader, PyAVReader)
}
"""Name -> reader, in the order in which :func:`choose_reader` tries them."""


def choose_reader(name: str = 'auto') -> type[VideoReader]:
    """The reader of that name, or the first that can be loaded.

    Args:
        name: A key of :data:`READERS`, or ``'auto'``.

    Raises:
        LaunchError: There is no such reader, or it cannot be loaded.
    """
    if name in FORMER_DECODERS:
        raise LaunchError(f'decoder {name!r}: features are read with pyav now (--decoder pyav)')
    one_of(name, ['auto', *READERS], 'decoder', LaunchError)
    reader = READERS['torchcodec' if name == 'auto' else name]
    try:
        reader.version()
    except (ImportError, OSError, RuntimeError) as error:
        if name == 'auto':
            return PyAVReader
        raise LaunchError(
            f'decoder {name!r} cannot be loaded: {reason_of(error)}; install it, or use pyav '
            '(--decoder pyav)'
        ) from error
    return reader
