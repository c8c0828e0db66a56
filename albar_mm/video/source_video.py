"""Source videos, decoded from their first frame on: decord where it is installed, else OpenCV."""

import importlib.util
import os
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path

import mmcv
import numpy as np
from mmaction.datasets.transforms import DecordInit

from ..utils.errors import BadVideoError, reason_of
from .container import SIZES_DIFFER, container_fault
from .shown import Shown, ShownFrames, shown
from .strict_reading import blamed_on

DECODE = ('first', 'all', 'none')
DEFAULT_FPS = 30.0


@dataclass(eq=False)
class SourceVideo:
    """One source video; its frames are decoded when they are first asked for, and kept.

    Attributes:
        video_id: Name within the benchmark, unique: the items made from it are ``<video_id>__<k>``.
        path: The video file.
        label: Class index of the action.
        class_name: Name of the class; '' where it is not known.
        fps: Frames are kept at this rate, see :func:`kept_frames`; None for every frame.
    """

    video_id: str
    path: Path
    label: int
    class_name: str = ''
    fps: float | None = None

    @cached_property
    def frames(self) -> np.ndarray:
        """Its frames, uint8 RGB of shape (T, H, W, 3), T >= 1.

        Raises:
            BadVideoError: The file cannot be read.
        """
        return read_frames(self.path, self.fps)

    @property
    def total(self) -> int:
        """Number of frames of the file, T if every one is kept."""
        return len(self.frames) if self.fps is None else shown(self.path).count

    @property
    def kept(self) -> np.ndarray:
        """Which frames of the file ``frames`` are: int64 (T,), rising."""
        if self.fps is None:
            return np.arange(len(self.frames))
        found = shown(self.path)
        return kept_frames(found.count, _fps_of(found), self.fps)

    def forget_frames(self) -> None:
        """Free the memory of the frames; they are decoded again when asked for."""
        self.__dict__.pop('frames', None)

    def __getstate__(self) -> dict:
        # what goes to a worker process is the name alone
        return {name: value for name, value in self.__dict__.items() if name != 'frames'}


def read_fps(path: str | os.PathLike) -> float:
    """Frames per second of a video file to 1/1000, or 30 where it does not tell."""
    return _fps_of(shown(path))


def _fps_of(found: Shown) -> float:
    fps = round(found.fps, 3)
    return fps if 0.1 <= fps <= 1000 else DEFAULT_FPS


def kept_frames(count: int, native: float, fps: float | None) -> np.ndarray:
    """Which frames of a video are kept at a lower rate: at each k / fps seconds the nearest one.

    Of two that are as near, the later; none twice: a video that is no faster keeps all.

    Args:
        count: Number of its frames.
        native: Its own rate.
        fps: The rate; None keeps all.

    Returns:
        int64 (n,), n <= count, rising, the first of them 0.
    """
    frames = np.arange(count)
    if fps is None or native <= fps:
        return frames
    nearest = np.floor(frames * (native / fps) + 0.5).astype(np.int64)
    return nearest[nearest < count]


def read_frames(path: str | os.PathLike, fps: float | None = None) -> np.ndarray:
    """Frames of a video, uint8 RGB of shape (T, H, W, 3), T >= 1: all, or those kept at a rate.

    Raises:
        BadVideoError: It cannot be read; names the file.
    """
    return np.stack(list(frames_in_order(path, fps)[1]))


def check_video(path: str, decode: str) -> tuple[str, str] | None:
    """Check that a video file exists, is whole and decodes.

    Args:
        path: The file.
        decode: ``'first'`` decodes one frame, ``'all'`` every frame, ``'none'`` only asks whether
            the file is there.

    Returns:
        None, or what is wrong: ``'missing'``, ``'undecodable'``, ``'truncated'`` or
        ``'zero-frame'``, and details.
    """
    if decode == 'none' and os.path.isfile(path):
        return None
    fault = container_fault(path)
    try:
        if fault is None:
            for _ in islice(frames_in_order(path)[1], 1 if decode == 'first' else None):
                pass
    except Exception as error:  # noqa: BLE001  a broken file can fail in any way
        return 'undecodable', getattr(error, 'reason', '') or reason_of(error)
    return fault


def decoder_name() -> str:
    """Decoder of :func:`frames_in_order`: decord, as the configs do, else OpenCV."""
    return 'opencv' if importlib.util.find_spec('decord') is None else 'decord'


def frames_in_order(
    path: str | os.PathLike, fps: float | None = None
) -> tuple[int, Iterator[np.ndarray]]:
    """Decode a video as it is shown, from its first frame on.

    Where :func:`decoder_name` does not give the frames that are shown, PyAV does.

    Args:
        path: The video file.
        fps: Gives the frames that are kept at this rate, see :func:`kept_frames`; None: every one.

    Returns:
        Number of frames, at least one; and the frames, uint8 RGB of shape (H, W, 3).

    Raises:
        BadVideoError: It cannot be read (also while frames are taken); names the file.
    """
    found, decoder = shown(path), decoder_name()
    kept = kept_frames(found.count, _fps_of(found), fps)
    if decoder == 'decord':
        import decord

        decord.logging.set_level(decord.logging.QUIET)  # its messages would tear a progress bar
    else:
        os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')

    def frames() -> Iterator[np.ndarray]:
        shape, wanted = None, set(kept.tolist())
        for index in range(int(kept.max(initial=-1)) + 1):
            with blamed_on(str(path), f'frame {index}'):
                frame = next(source, None)
            if frame is None:
                reason = f'only {index} of {found.count} frames can be decoded'
                raise BadVideoError.of(str(path), reason)
            shape = shape or frame.shape
            if frame.shape != shape:
                raise BadVideoError.of(str(path), SIZES_DIFFER)
            if index in wanted:
                yield frame

    with blamed_on(str(path), decoder):
        if decoder not in found.in_order:
            source = iter(ShownFrames(path))
        elif decoder == 'decord':
            reader = DecordInit()(dict(filename=os.fspath(path)))['video_reader']
            source = (reader.next().asnumpy() for _ in range(found.count))
        else:
            source = (frame[:, :, ::-1] for frame in mmcv.VideoReader(os.fspath(path)))
    return len(kept), frames()


def decode_frames(
    path: Path, indices: Collection[int], fps: float | None = None
) -> tuple[dict[int, np.ndarray], int]:
    """Decode some frames of a video, exactly as :func:`read_frames` decodes them.

    Args:
        path: The video file.
        indices: Frames; those beyond the end are left out.
        fps: They count those that are kept at this rate.

    Returns:
        Index -> uint8 RGB (H, W, 3), read-only; and the number of frames there are.

    Raises:
        BadVideoError: It cannot be read; names the file.
    """
    total, frames = frames_in_order(path, fps)
    # one frame at least, to see that it can be decoded
    last = max((i for i in indices if i < total), default=0)
    wanted, found = set(indices), {}
    for index, frame in enumerate(islice(frames, last + 1)):
        if index in wanted:
            found[index] = np.ascontiguousarray(frame)  # a view would keep what it was taken of
            found[index].flags.writeable = False
    return found, total


class FrameCache:
    """Keeps decoded frames of the videos that were asked for last.

    Args:
        max_bytes: Upper limit of what is kept; 0 keeps nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        #: number of times that a video was decoded
        self.decoded = 0
        # frames that were asked for, those that there are, and the length of the video
        self._kept: OrderedDict[
            tuple[Path, float | None], tuple[set[int], dict[int, np.ndarray], int]
        ] = OrderedDict()

    def get(
        self,
        path: Path,
        indices: Sequence[int],
        also: Collection[int] = (),
        fps: float | None = None,
    ) -> tuple[list[np.ndarray | None], int]:
        """Give frames of a video, decoding it if one is not there.

        Args:
            path: The video file.
            indices: Frames.
            also: Further frames to keep if the video is decoded now, as they will be asked for.
            fps: They count those that are kept at this rate.

        Returns:
            uint8 RGB (H, W, 3), read-only, one per index (None beyond the end); and the number of
            frames there are.

        Raises:
            BadVideoError: It cannot be read; names the file.
        """
        asked, frames, total = self._kept.pop((path, fps), (set(), {}, 0))
        if not total or not asked.issuperset(indices):
            asked = asked.union(indices, also)
            frames, total = decode_frames(path, asked, fps)
            self.decoded += 1
        if _size(frames) <= self.max_bytes:
            self._kept[path, fps] = asked, frames, total
            while self.bytes > self.max_bytes:
                self._kept.popitem(last=False)
        return [frames.get(index) for index in indices], total

    @property
    def bytes(self) -> int:
        """Size of what is kept."""
        return sum(_size(frames) for _, frames, _ in self._kept.values())

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()


@cache
def frame_cache(max_mib: int) -> FrameCache:
    """The cache of this process, one for each limit in MiB."""
    return FrameCache(max_mib << 20)


def _size(frames: Mapping[int, np.ndarray]) -> int:
    return sum(frame.nbytes for frame in frames.values())
