"""Running a video pipeline so that an unreadable file is told from a fault of the pipeline."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import mmcv
from mmaction.datasets.transforms import (
    DecordDecode,
    DecordInit,
    OpenCVDecode,
    OpenCVInit,
    PIMSDecode,
    PIMSInit,
    PyAVDecode,
    PyAVInit,
)

from ..utils.errors import BadVideoError
from .container import announced_bytes, is_empty_avi

INITS = (DecordInit, OpenCVInit, PyAVInit, PIMSInit)
"""MMAction2's steps that open a video."""
DECODES = (DecordDecode, OpenCVDecode, PyAVDecode, PIMSDecode)
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
# The real HMDB51 clips decode up to 17 % fewer frames than OpenCV announces (8 of 47: it counts
# the time stamps of frames that were never coded).
MAX_MISSING = 0.25


def read_strictly(transforms: Iterable[Callable], info: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Run a pipeline on one video.

    A video counts as unreadable when its container is shorter than it says, when it announces no
    frame, when a reading step (``DecordInit``, ``OpenCVDecode``, ...) fails on it, or when one of
    the first 75 % of the announced frames is asked for and cannot be decoded. Missing frames after
    that are made up by MMAction2 (OpenCV: the last frame that can be read; PyAV: from the start).
    Everything else that goes wrong is a fault of the pipeline and is raised as it is: any error of
    another step, and errors such as ``TypeError`` or ``ImportError`` of a reading step. Only files
    on a local disk have their container checked.

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
    checked = False
    for step in transforms:
        if not isinstance(step, INITS + DECODES):
            results = step(results)
        else:
            try:
                if not checked:
                    _check_container(video)
                results = _read(step, results)
            except BadVideoError:
                raise
            except _FAULTS:
                raise
            except _Short as error:
                raise BadVideoError.of(video, str(error)) from None
            except Exception as error:
                reason = f'{type(step).__name__}: {type(error).__name__}: {_message(error)}'
                raise BadVideoError.of(video, reason) from error
            checked = True
        if results is None:
            raise BadVideoError.of(video, f'{type(step).__name__} returned nothing for it')
    return results


class _Short(Exception):
    """A file holds less than it announces."""


def _message(error: Exception) -> str:
    text = ' '.join(str(error).split())
    text = _PLACE_IN_DECORD.sub('', text)
    return (text if len(text) <= 200 else text[:199] + '…') or 'no message'


def _check_container(video: str) -> None:
    if '://' in video:
        return
    if not os.path.splitext(video)[1] and not os.path.exists(video):
        video += '.mp4'  # as DecordInit does
    fault = container_fault(video)
    if fault:
        raise _Short(fault)


def container_fault(video: str | os.PathLike) -> str | None:
    """Why a file on the disk cannot be a whole video, seen without decoding it.

    Args:
        video: Its path.

    Returns:
        A few words, or None where nothing is wrong so far.
    """
    if not os.path.isfile(video):
        return 'no such file'
    announced, size = announced_bytes(os.fspath(video)), os.path.getsize(video)
    if not size:
        return 'the file is empty'
    if announced is not None and announced > size:
        return f'the file is truncated: {size} of at least {announced} bytes'
    return 'it holds no frames' if is_empty_avi(os.fspath(video)) else None


def _read(step: Callable, results: dict[str, Any]) -> dict[str, Any] | None:
    reader = results.get('video_reader')
    results = step(results)
    if results is None:
        return None
    if isinstance(reader, _PyAVFrames):
        reader.check(max(results['frame_inds']))
    elif reader is None and 'total_frames' in results:
        total = int(results['total_frames'])
        if total <= 0:
            raise _Short('it announces no frames')
        if isinstance(results['video_reader'], mmcv.VideoReader):
            results['video_reader'] = _OpenCVFrames(results['video_reader'], total)
        elif isinstance(step, PyAVInit):
            results['video_reader'] = _PyAVFrames(results['video_reader'], total)
    return results


def _required(total: int) -> int:
    """Number of frames from the start that must be readable, of so many announced."""
    return max(1, int(total * (1 - MAX_MISSING)))


class _OpenCVFrames:
    """Frames of an ``mmcv.VideoReader``, for which ``OpenCVDecode`` asks one by one."""

    def __init__(self, reader: mmcv.VideoReader, total: int) -> None:
        self._reader, self._total = reader, total
        self._first_missing = total

    def __getitem__(self, index: int) -> Any:  # noqa: ANN401
        # OpenCVDecode goes back frame by frame, each with a slow search: not again for known ones
        frame = self._reader[index] if index < self._first_missing else None
        if frame is None:
            self._first_missing = min(self._first_missing, int(index))
            if index < _required(self._total):
                raise _Short(f'frame {index} of {self._total} cannot be decoded')
        return frame


class _PyAVFrames:
    """A PyAV container that counts the frames that ``PyAVDecode`` gets from it."""

    def __init__(self, container: Any, total: int) -> None:  # noqa: ANN401
        self._container, self._total = container, total
        self._decoded: int | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._container, name)

    def decode(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        count = 0
        for frame in self._container.decode(*args, **kwargs):
            count += 1
            yield frame
        self._decoded = count  # the end was reached

    def check(self, last: int) -> None:
        """Refuse a video that ended before the frame ``last``, if that is among the required."""
        decoded = self._decoded
        if decoded is not None and decoded <= last and decoded < _required(self._total):
            raise _Short(f'only {decoded} of {self._total} frames can be decoded')
