"""Videos of features: which are meant, what they are called, and what reads them."""

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import av
import numpy as np

from albar_mm.utils.errors import DatasetError, LaunchError, reason_of
from albar_mm.utils.files import files_below, filled_lines
from albar_mm.utils.numbers import one_of
from albar_mm.utils.video_ids import VIDEO_SUFFIXES, id_of
from albar_mm.video.container import AVI
from albar_mm.video.reader import CHUNK, SIZES_DIFFER, FrameClock, Frames, VideoReader
from albar_mm.video.shown import FAILURES, open_video, pixels_of

from .store import FORMER_DECODERS, check_name

__all__ = [
    'CHUNK',
    'READERS',
    'FrameClock',
    'Frames',
    'Video',
    'VideoReader',
    'choose_reader',
    'find_videos',
    'read_list',
]

_LISTED = '|'.join(map(re.escape, {*VIDEO_SUFFIXES, '.npy'}))
_NAME = re.compile(rf'(.*(?:{_LISTED}))(?:[\s,].*)?$', re.IGNORECASE)
_LISTS = ('.txt', '.list', '.csv')


@dataclass(frozen=True)
class Video:
    """A video to extract features of.

    Attributes:
        video_id: Its name in the store, unique there.
        path: The file.
        fault: Why it cannot be in a store, which no decoder knows; '' for nothing.
    """

    video_id: str
    path: Path
    fault: str = ''


def find_videos(
    named: Sequence[str | os.PathLike],
    root: str | os.PathLike | None = None,
    ids: str = 'stem',
    on_bad: str = 'fail',
) -> tuple[list[Video], int]:
    """All videos that are named, sorted by id.

    Args:
        named: Folders (searched with all that is in them, links followed), lists (``.txt``,
            ``.list``, ``.csv``: a path a line, whatever follows it after a blank or a comma is left
            alone), globs, or video files. What is no file, as a link to nowhere, is a video that
            cannot be read.
        root: Folder that the paths of a list start at; by default that of the list.
        ids: ``'stem'``: a video is called like its file, without the ending. ``'path'``: like its
            path below the folder, the root or the current folder, ``/`` written as ``__``.
        on_bad: With a video that a store has no name for: ``'fail'``, or ``'skip'``: it gets a
            :attr:`Video.fault`, and its path for an id.

    Returns:
        The videos, and how many files of folders are none by their suffix.

    Raises:
        DatasetError: Nothing is found, two videos would be called alike, a list is one of
            features, or no file can be called like a video.
    """
    one_of(ids, ('stem', 'path'), 'ids', DatasetError)
    one_of(on_bad, ('fail', 'skip'), 'on_bad', DatasetError)
    found: list[tuple[Path, Path]] = []  # base, path
    others: set[Path] = set()

    def search(folder: Path, base: Path) -> None:
        for file in sorted(files_below(folder)):
            if file.name.startswith('.'):
                continue
            # a link to nowhere may have been a folder of videos, on a disk that is not there
            if file.suffix.lower() in VIDEO_SUFFIXES or not os.path.exists(file):
                found.append((base, file))
            else:
                others.add(file)

    for name in map(os.fspath, named):
        path = Path(name)
        if path.is_dir():
            search(path, path)
        elif path.is_file() and path.suffix.lower() in _LISTS:
            base = Path(root) if root is not None else path.parent
            found += [(base, base / line) for line in _listed_videos(path)]
        elif os.path.lexists(path):
            found.append((path.parent, path))
        elif glob.has_magic(name):
            for match in map(Path, glob.glob(name, recursive=True)):
                if match.is_dir():
                    search(match, Path())
                else:
                    found.append((Path(), match))
        else:
            raise DatasetError(f'{name}: no such folder, list or video')
    if not found:
        raise DatasetError(
            f'{", ".join(map(os.fspath, named))}: no video there; videos end in '
            f'{" ".join(sorted(VIDEO_SUFFIXES))}'
        )
    return _called(found, ids, on_bad), len(others)


def read_list(path: str | os.PathLike) -> list[str]:
    """Paths of videos or features in a list, one a line, without the labels that may follow.

    Args:
        path: The list.

    Raises:
        DatasetError: It cannot be read.
    """
    # a name may hold blanks, and labels may follow it
    lines = (line for _, line in filled_lines(path))
    return [found[1] if (found := _NAME.match(line)) else line for line in lines]


def _listed_videos(path: Path) -> list[str]:
    lines = read_list(path)
    features = next((line for line in lines if line.lower().endswith('.npy')), None)
    if features:
        raise DatasetError(f'{path}: lists features, as {features}; expected videos')
    return lines


def _called(found: Sequence[tuple[Path, Path]], ids: str, on_bad: str) -> list[Video]:
    called: dict[str, Path] = {}
    faults: dict[Path, str] = {}
    twice: dict[str, tuple[Path, Path]] = {}
    for base, path in found:
        try:
            name = check_name(id_of(path, below=base if ids == 'path' else None), path)
        except DatasetError as error:
            if on_bad == 'fail':
                raise
            faults[path] = str(error).removeprefix(f'{path}: ')
            continue
        other = called.setdefault(name, path)
        if os.path.realpath(other) != os.path.realpath(path):
            twice[name] = other, path
    if twice:
        name, (one, other) = min(twice.items())
        advice = "; tell them apart with ids='path' (--ids path)" if ids == 'stem' else ''
        raise DatasetError(
            f'{len(twice)} names stand for several videos, as {name!r}: {one} and {other}{advice}'
        )
    unnamed = [Video(str(path), path, faults[path]) for path in sorted(faults)]
    return [Video(name, called[name]) for name in sorted(called)] + unnamed


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
        self.fps = float(found.average_fps or 0)
        if found.num_frames != self.announced:
            counts = f'{found.num_frames} frames, and {self.announced} are shown'
            raise self.bad(f'it finds {counts}: use pyav (--decoder pyav)')

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
    failures = FAILURES

    def _open(self) -> None:
        self._container, self._stream = open_video(self.path)
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.fps = float(rate or 0)

    @classmethod
    def version(cls) -> str:
        return av.__version__

    def _chunks(self) -> Iterator[Frames]:
        decoded = self._container.decode(self._stream)
        while frames := list(islice(decoded, CHUNK)):
            pixels = [pixels_of(frame) for frame in frames]
            if any(each.shape != pixels[0].shape for each in pixels):
                raise self.bad(SIZES_DIFFER)
            times = [np.nan if frame.time is None else frame.time for frame in frames]
            yield Frames(np.stack(pixels), np.array(times))

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
