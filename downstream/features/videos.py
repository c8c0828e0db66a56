"""Which videos are meant: a folder, a list, a glob or a single file; and what they are called."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from albar_mm.utils.errors import DatasetError

SUFFIXES = frozenset(
    {
        '.mp4',
        '.avi',
        '.mkv',
        '.mov',
        '.webm',
        '.m4v',
        '.mpg',
        '.mpeg',
        '.wmv',
        '.flv',
        '.ts',
        '.3gp',
    }
)
IDS = ('stem', 'path')
_LISTED = '|'.join(map(re.escape, {*SUFFIXES, '.npy'}))
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
        ids: ``'stem'``: a video is called like its file, without the suffix. ``'path'``: like its
            path below the folder, the root or the current folder, ``/`` written as ``__``.

    Returns:
        The videos, and how many files of folders are none by their suffix.

    Raises:
        DatasetError: Nothing is found, or two videos would be called alike.
    """
    found: list[tuple[Path, Path]] = []  # base, path
    others = 0
    for name in map(os.fspath, named):
        path = Path(name)
        if path.is_dir():
            files = sorted(
                file for file in path.rglob('*') if file.is_file() and not file.name.startswith('.')
            )
            videos = [file for file in files if file.suffix.lower() in SUFFIXES]
            others += len(files) - len(videos)
            found += [(path, file) for file in videos]
        elif path.is_file() and path.suffix.lower() == '.txt':
            base = Path(root) if root is not None else path.parent
            found += [(base, base / line) for line in read_list(path)]
        elif path.is_file():
            found.append((path.parent, path))
        elif glob.has_magic(name):
            found += [
                (Path(), Path(file))
                for file in sorted(glob.glob(name, recursive=True))
                if os.path.isfile(file)
            ]
        else:
            raise DatasetError(f'{name}: no such folder, list or video')
    if not found:
        raise DatasetError(
            f'{", ".join(map(os.fspath, named))}: no video there; videos end in '
            f'{" ".join(sorted(SUFFIXES))}'
        )
    videos = [Video(_id(base, path, ids), path) for base, path in found]
    return _distinct(videos, ids), others


def read_list(path: str | os.PathLike) -> list[str]:
    """Paths of videos or features in a list, one a line, without the labels that may follow.

    Args:
        path: The list.

    Raises:
        DatasetError: It cannot be read.
    """
    try:
        lines = Path(path).read_text(encoding='utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f'{path}: cannot be read as a list of videos: {error}') from error
    names = [line.strip() for line in lines if line.strip()]
    # a name may hold blanks, and labels may follow it
    return [found[1] if (found := _NAME.match(name)) else name for name in names]


def shard_of(videos: Sequence[Video], index: int, count: int) -> list[Video]:
    """Every ``count``-th video, beginning with number ``index``.

    Args:
        videos: All videos.
        index: From 0.
        count: Number of shards.

    Raises:
        DatasetError: There is no such shard.
    """
    if not 0 <= index < count:
        raise DatasetError(f'shard {index} of {count}: expected 0 to {count - 1} of that many')
    return list(videos[index::count])


def _id(base: Path, path: Path, ids: str) -> str:
    if ids == 'stem':
        return path.stem
    if ids != 'path':
        raise DatasetError(f'ids is {ids!r}; expected one of {", ".join(IDS)}')
    inside = path.relative_to(base) if path.is_relative_to(base) else Path(path.name)
    return '__'.join(inside.with_suffix('').parts)


def _distinct(videos: Sequence[Video], ids: str) -> list[Video]:
    unique = {(video.video_id, os.path.abspath(video.path)): video for video in videos}
    counts = Counter(video_id for video_id, _ in unique)
    twice = sorted(video_id for video_id, count in counts.items() if count > 1)
    if twice:
        paths = [str(video.path) for video in unique.values() if video.video_id == twice[0]]
        advice = "; tell them apart with ids='path' (--ids path)" if ids == 'stem' else ''
        raise DatasetError(
            f'{len(twice)} names stand for several videos, as {twice[0]!r}: '
            f'{paths[0]} and {paths[1]}{advice}'
        )
    reserved = [
        video
        for video in unique.values()
        if video.video_id == 'store' or video.video_id.startswith('.')
    ]
    if reserved:
        raise DatasetError(
            f'{reserved[0].path}: the store has another use for the name '
            f'{reserved[0].video_id!r}; rename the file'
        )
    return sorted(unique.values(), key=lambda video: video.video_id)
