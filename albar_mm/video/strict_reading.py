"""Running a video pipeline so that an unreadable file is told from a fault of the pipeline."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import mmcv
from mmaction.datasets import transforms as steps_of_mmaction
from mmaction.datasets.transforms import DecordInit, OpenCVInit, PyAVInit

from ..utils.errors import BadVideoError, reason_of
from .container import required_frames
from .shown import ShownFrames, open_video, shown, turned

_LIBRARIES = ('Decord', 'OpenCV', 'PyAV', 'PIMS')
INITS = tuple(getattr(steps_of_mmaction, f'{library}Init') for library in _LIBRARIES)
"""MMAction2's steps that open a video."""
DECODES = tuple(getattr(steps_of_mmaction, f'{library}Decode') for library in _LIBRARIES)
"""MMAction2's steps that decode one."""
# what a decoder does not raise because of the content of a file
_FAULTS = (
    TypeError,
    NameError,
    AttributeError,
    ImportError,
    KeyError,
    AssertionError,
    NotImplementedError,
    MemoryError,
    RecursionError,
)
# '[time of day] source file:line: ' of a compiled decoder
_PLACE_IN_DECORD = re.compile(r'\[\d\d:\d\d:\d\d\] \S+:\d+: ')


def read_strictly(transforms: Iterable[Callable], info: Mapping[str, Any]) -> Any:
    """Run a pipeline on one video.

    ``total_frames`` is the number of frames that are shown, see :mod:`.shown`. Where the decoder of
    a step does not give just these, PyAV reads in its place.

    A video counts as unreadable when it is no video file, when its container is shorter than it
    says, when a reading step (``DecordInit``, ``OpenCVDecode``, ...) fails on it, or when one of
    the first 75 % of its frames is asked for and cannot be decoded. Missing frames after that are
    made up by MMAction2 (OpenCV: the last frame that can be read; PyAV: from the start).
    Everything else that goes wrong is a fault of the pipeline and is raised as it is: any error of
    another step, and errors such as ``TypeError`` or ``ImportError`` of a reading step. All this
    holds for files on a local disk; others are left to the steps.

    Args:
        transforms: The steps of the pipeline.
        info: What the dataset knows of the video; ``filename`` is its path.

    Returns:
        The result of the last step.

    Raises:
        BadVideoError: The video cannot be read; one line that names the file.
    """
    video = str(info['filename'])
    results: Any = dict(info)
    for step in transforms:
        if isinstance(step, INITS + DECODES):
            with blamed_on(video, type(step).__name__):
                results = _read(step, results, video)
        else:
            results = step(results)
        if results is None:
            raise BadVideoError.of(video, f'{type(step).__name__} returned nothing for it')
    return results


@contextmanager
def blamed_on(video: str, step: str) -> Iterator[None]:
    """Blame a video for what a decoder raises, unless that cannot come from the content of a file.

    Args:
        video: Its path.
        step: What is done with it, for the message.

    Raises:
        BadVideoError: The decoder failed.
    """
    try:
        yield
    except (BadVideoError, *_FAULTS):
        raise
    except Exception as error:
        text = _PLACE_IN_DECORD.sub('', reason_of(error))
        raise BadVideoError.of(video, f'{step}: {type(error).__name__}: {text}') from error


def _read(step: Callable, results: dict[str, Any], video: str) -> dict[str, Any] | None:
    reader = results.get('video_reader')
    opens = isinstance(step, INITS)
    results = _open(step, results, video) if opens and '://' not in video else step(results)
    if isinstance(reader, _PyAVFrames) and results is not None:
        reader.check(max(results['frame_inds']))
    return results


def _open(step: Callable, results: dict[str, Any], video: str) -> dict[str, Any] | None:
    """Open a file with a step, or in its place."""
    path = video
    if not os.path.splitext(video)[1] and not os.path.exists(video):
        path += '.mp4'  # as DecordInit does
    found = shown(path)
    results = dict(results, new_path=path, avg_fps=found.fps)
    decoder = {DecordInit: 'decord', OpenCVInit: 'opencv'}.get(
        next(init for init in INITS if isinstance(step, init))
    )
    if isinstance(step, PyAVInit):
        reader: Any = _PyAVFrames(path, found.count)
    elif decoder not in found.anywhere:
        reader = ShownFrames(path, bgr=decoder == 'opencv')
    else:
        results = step(results)
        if results is None:
            return None
        reader = results['video_reader']
        if isinstance(reader, mmcv.VideoReader):
            reader = _OpenCVFrames(reader, found.count, video)
    return dict(results, video_reader=reader, total_frames=found.count)


class _OpenCVFrames:
    """Frames of an ``mmcv.VideoReader``, for which ``OpenCVDecode`` asks one by one."""

    def __init__(self, reader: mmcv.VideoReader, total: int, video: str) -> None:
        self._reader, self._total, self._video = reader, total, video
        self._first_missing = total

    def __getitem__(self, index: int) -> Any:
        # OpenCVDecode goes back frame by frame, each with a slow search: not again for known ones
        frame = self._reader[index] if index < self._first_missing else None
        if frame is None:
            self._first_missing = min(self._first_missing, int(index))
            if index < required_frames(self._total):
                reason = f'frame {index} of {self._total} cannot be decoded'
                raise BadVideoError.of(self._video, reason)
        return frame


class _PyAVFrames:
    """A PyAV container that gives the frames that are shown, and counts them."""

    def __init__(self, video: str, total: int) -> None:
        self._container, self._stream = open_video(video)
        self._stream.codec_context.thread_count = 0  # a step says whether it wants threads
        self._total, self._video = total, video
        self._decoded: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def decode(self, *_: Any, **__: Any) -> Iterator[Any]:
        count = 0
        for frame in self._container.decode(self._stream):
            count += 1
            yield _Upright(frame) if frame.rotation else frame
        self._decoded = count  # the end was reached

    def check(self, last: int) -> None:
        """Refuse a video that ended before the frame ``last``, if that is among the required."""
        decoded = self._decoded
        if decoded is not None and decoded <= last and decoded < required_frames(self._total):
            reason = f'only {decoded} of {self._total} frames can be decoded'
            raise BadVideoError.of(self._video, reason)


class _Upright:
    """What ``PyAVDecode`` asks of a frame."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def to_rgb(self) -> '_Upright':
        return self

    def to_ndarray(self) -> Any:
        return turned(self._frame, self._frame.to_rgb().to_ndarray())
