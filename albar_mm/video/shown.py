"""Which frames of a file are shown, how fast, and which decoders give just these.

A container holds frames that are not shown (a phone's trim is an edit list; a cut leaves frames
without those that they refer to), and what its header announces may be wrong: AVI files count
frames that were never coded. The packets tell, and almost nothing has to be decoded for it.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import av
import numpy as np

from ..utils.errors import BadVideoError, reason_of
from .container import AVI, ISO, MATROSKA, container_fault, container_kind, required_frames

FAILURES = (av.error.FFmpegError, OSError, ValueError)
"""What PyAV raises because of the content of a file."""
# those of which every frame was compared; decord 0.6 takes the process down in AV1
_CODECS = 'h264', 'hevc', 'mpeg4', 'msmpeg4v2', 'vp8', 'vp9', 'mjpeg', 'png', 'flv1', 'flv'
_KINDS = AVI, ISO, MATROSKA, 'flv'
_COVER = av.stream.Disposition.attached_pic


@dataclass(frozen=True)
class Shown:
    """What is shown of a video file.

    Attributes:
        count: Number of frames.
        fps: Frames a second, the average where the rate varies; 0 where it is not known.
        size: Height and width in px, upright.
        in_order: Those of ``'decord'`` and ``'opencv'`` whose first ``count`` frames are these.
        anywhere: Those that also find each by its number.
    """

    count: int
    fps: float
    size: tuple[int, int]
    in_order: frozenset[str]
    anywhere: frozenset[str]


def shown(path: str | os.PathLike) -> Shown:
    """What is shown of a file; a process asks a file once, until it changes.

    Raises:
        BadVideoError: The file is missing, truncated or no video.
    """
    fault = container_fault(path)
    if fault:
        raise BadVideoError.of(str(path), fault[1])
    stat = os.stat(path)
    try:
        return _shown(os.fspath(path), stat.st_size, stat.st_mtime_ns)
    except FAILURES as error:
        raise BadVideoError.of(str(path), f'PyAV: {reason_of(error)}') from error


def open_video(path: str | os.PathLike) -> tuple[Any, Any]:
    """A PyAV container, and that of its streams that is shown.

    Raises:
        BadVideoError: It holds no pictures, or a cover alone.
    """
    # what a file of data refers to is not opened; a name is no protocol
    options = {'protocol_whitelist': 'file'}
    file = av.open(os.path.abspath(path), metadata_errors='replace', options=options)
    moving = [stream for stream in file.streams.video if not stream.disposition & _COVER]
    if not moving:
        file.close()
        raise BadVideoError.of(str(path), 'it holds no video stream')
    best = file.streams.best('video')
    stream = best if best in moving else moving[0]
    # as many videos are read at once as there are cores
    stream.codec_context.thread_count = 1
    return file, stream


def pixels_of(frame: Any) -> np.ndarray:
    """A frame of PyAV as it is shown: uint8 RGB, shape (H, W, 3), upright."""
    # bicubic, as OpenCV: it matters where colours are wider than an odd picture
    return turned(frame, frame.to_ndarray(format='rgb24', interpolation='BICUBIC'))


def turned(frame: Any, pixels: np.ndarray) -> np.ndarray:
    """Pixels of a frame of PyAV, (H, W, 3), upright.

    Degrees that are no multiple of 90 are taken as 0, as players do.
    """
    # FFmpeg counts them counter-clockwise
    quarters = round(frame.rotation / 90) % 4 if frame.rotation % 90 == 0 else 0
    return np.ascontiguousarray(np.rot90(pixels, quarters)) if quarters else pixels


def rate_of(times_s: np.ndarray, announced: float) -> tuple[float, bool]:
    """Frames a second, the average where the rate varies, and whether it is even.

    Args:
        times_s: When frames are shown, float64, shape (N,), growing.
        announced: What the container says; 0 for nothing.
    """
    times = times_s - times_s[0]
    average = float((len(times) - 1) / times[-1]) if len(times) > 1 else announced
    for fps in (announced, average):
        if fps > 0 and np.abs(times - np.arange(len(times)) / fps).max() <= 0.5 / fps:
            return fps, True
    return average, False


class ShownFrames:
    """Frames of a file by their number, read with PyAV; it decodes from the first frame on.

    What decoding steps ask of a reader of decord, of OpenCV and of PIMS.

    Args:
        path: The file.
        bgr: Whether the channels come as OpenCV's.
    """

    def __init__(self, path: str | os.PathLike, bgr: bool = False) -> None:
        self.path, self._order = path, slice(None, None, -1 if bgr else 1)
        self._count = shown(path).count
        self._place = 0
        self._rewind()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[np.ndarray]:
        self._rewind()
        for frame in self._frames:
            yield pixels_of(frame)[..., self._order]

    def __getitem__(self, index: int) -> np.ndarray:
        """Frame ``index``, uint8 (H, W, 3).

        Raises:
            BadVideoError: It is one of the first 75 % and cannot be decoded; a later one is made
                up from the last that can.
        """
        index = int(index)
        if index < self._next - 1:
            self._rewind()
        while self._next <= index:
            frame = next(self._frames, None)
            if frame is None:
                if self._last is None or index < required_frames(self._count):
                    reason = f'only {self._next} of {self._count} frames can be decoded'
                    raise BadVideoError.of(str(self.path), reason)
                break
            self._last, self._next = frame, self._next + 1
        return pixels_of(self._last)[..., self._order]

    def get_batch(self, indices: Sequence[int]) -> '_Batch':
        """Some frames; ``asnumpy()`` gives them, uint8 (n, H, W, 3)."""
        found = {index: self[index] for index in sorted(set(map(int, indices)))}
        return np.stack([found[int(index)] for index in indices]).view(_Batch)

    def seek(self, index: int) -> None:
        """Make a frame the next one."""
        self._place = index

    def next(self) -> '_Batch':
        """The next frame, as :meth:`get_batch`."""
        self._place += 1
        return self[self._place - 1].view(_Batch)

    def _rewind(self) -> None:
        self._frames, self._last, self._next = _decoded(self.path), None, 0


class _Batch(np.ndarray):
    def asnumpy(self) -> np.ndarray:
        return self.view(np.ndarray)


def _decoded(path: str | os.PathLike) -> Iterator[Any]:
    file, stream = open_video(path)
    with file:
        yield from file.decode(stream)


@lru_cache(1 << 16)
def _shown(path: str, size: int, changed: int) -> Shown:
    kind, first, rows = container_kind(path), None, []
    file, stream = open_video(path)
    with file:
        codec = stream.codec_context.name
        for packet in file.demux(stream):
            if first is None:
                first = next(iter(packet.decode()), None)
            # a byte says that nothing was coded; a picture of VP8 may be there for others alone
            if packet.size > 1 and (codec != 'vp8' or bytes(packet)[0] & 16):
                time, coded = (
                    np.nan if stamp is None else float(stamp * packet.time_base)
                    for stamp in (packet.pts, packet.dts)
                )
                rows.append((time, coded, packet.is_keyframe, packet.is_discard))
        announced, alone = float(stream.average_rate or 0), len(file.streams.video) == 1
        said = stream.frames
    if first is None:
        raise BadVideoError.of(path, 'none of its frames can be decoded')
    times, coded, keys, hidden = np.array(rows, float).T
    before, after = np.maximum.accumulate(times), np.minimum.accumulate(times[::-1])[::-1]
    parts = (times == before) & (times == after)  # what follows is shown later, what precedes not
    visible = np.sort(times[hidden == 0])
    fps, even = announced, True
    if kind == AVI:  # it has no times; those that PyAV makes up for it are not used
        sure, closed = True, bool((times == coded).all())
    else:
        # frames may refer to what is not there, and two fields may come in packets of their own
        sure = kind in _KINDS and bool(keys[0] and parts[0])
        closed = bool(parts[keys > 0].all())
        if len(visible) and (np.diff(visible) > 0).all():
            fps, even = rate_of(visible, announced)
        else:
            sure = even = False
    count = len(visible) if sure else sum(1 for _ in _decoded(path))
    compared = kind in _KINDS and codec in _CODECS and alone and sure
    whole = compared and not hidden.any()
    decord = whole and first.rotation == 0
    # OpenCV 5 tears fields apart; it counts times of AVI files, also those of frames never coded
    opencv = compared and not first.interlaced_frame
    finds = opencv and whole and even and (kind in (ISO, MATROSKA) or said == count)
    return Shown(
        count,
        fps,
        turned(first, np.empty((first.height, first.width, 0))).shape[:2],
        _those(decord=decord, opencv=opencv),
        _those(decord=decord and closed, opencv=finds),
    )


def _those(**decoders: bool) -> frozenset[str]:
    return frozenset(name for name, good in decoders.items() if good)
