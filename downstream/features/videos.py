"""Which videos are meant: a folder, a list, a glob or a single file; and what they are called."""

import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import filled_lines
from albar_mm.utils.numbers import one_of
from albar_mm.utils.video_ids import VIDEO_SUFFIXES, id_of

_LISTED = '|'.join(map(re.escape, {*VIDEO_SUFFIXES, '.npy'}))
_NAME = re.compile(rf'(.*(?:{_LISTED}))(?:\s.*)?$', re.IGNORECASE)


@dataclass(frozen=True)
class Video:
    """A video to extract features of.

    Attributes:
        video_id: Its name in the store, unique there.
        path: The file.
    """

    video_id: str
    path: Path


def find_videos(
    named: Sequence[str | os.PathLike], root: str | os.PathLike | None = None, ids: str = 'stem'
) -> tuple[list[Video], int]:
    """All videos that are named, sorted by id.

    Args:
        named: Folders (searched with all that is in them), lists (``.txt``: a path a line,
            whatever follows it after a blank is left alone), globs, or video files.
        root: Folder that the paths of a list start at; by default that of the list.
        ids: ``'stem'``: a video is called like its file, without the ending. ``'path'``: like its
            path below the folder, the root or the current folder, ``/`` written as ``__``.

    Returns:
        The videos, and how many files of folders are none by their suffix.

    Raises:
        DatasetError: Nothing is found, two videos would be called alike, or no file can be called
            like a video.
    """
    one_of(ids, ('stem', 'path'), 'ids', DatasetError)
    found: list[tuple[Path, Path]] = []  # base, path
    others = 0
    for name in map(os.fspath, named):
        path = Path(name)
        if path.is_dir():
            files = sorted(path.rglob('*'))
            files = [f for f in files if f.is_file() and not f.name.startswith('.')]
            videos = [(path, file) for file in files if file.suffix.lower() in VIDEO_SUFFIXES]
            others += len(files) - len(videos)
            found += videos
        elif path.is_file() and path.suffix.lower() == '.txt':
            base = Path(root) if root is not None else path.parent
            found += [(base, base / line) for line in read_list(path)]
        elif path.is_file():
            found.append((path.parent, path))
        elif glob.has_magic(name):
            matches = glob.glob(name, recursive=True)
            found += [(Path(), Path(file)) for file in matches if os.path.isfile(file)]
        else:
            raise DatasetError(f'{name}: no such folder, list or video')
    if not found:
        raise DatasetError(
            f'{", ".join(map(os.fspath, named))}: no video there; videos end in '
            f'{" ".join(sorted(VIDEO_SUFFIXES))}'
        )
    return _called(found, ids), others


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


def _called(found: Sequence[tuple[Path, Path]], ids: str) -> list[Video]:
    called: dict[str, Path] = {}
    twice: dict[str, tuple[Path, Path]] = {}
    for base, path in found:
        name = id_of(path, below=base if ids == 'path' else None)
        if name == 'store':
            raise DatasetError(
                f'{path}: the store has another use for the name {name!r}; rename the file'
            )
        other = called.setdefault(name, path)
        if os.path.abspath(other) != os.path.abspath(path):
            twice[name] = other, path
    if twice:
        name, (one, other) = min(twice.items())
        advice = "; tell them apart with ids='path' (--ids path)" if ids == 'stem' else ''
        raise DatasetError(
            f'{len(twice)} names stand for several videos, as {name!r}: {one} and {other}{advice}'
        )
    return [Video(name, called[name]) for name in sorted(called)]
