"""What every official split list is read into, MMAction2's ``path label`` lines, and finding videos
among names that somebody else wrote, by the tail of their paths."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..utils.errors import BadFileError, DatasetError, MissingFileError
from ..utils.files import filled_lines
from ..utils.text import name_some
from ..utils.video_ids import stem_of

#: names on the command line of what separates a path from its label
DELIMITERS = dict(space=' ', tab='\t')


@dataclass(frozen=True)
class Clip:
    """One entry of an official list.

    Attributes:
        path: Video file relative to the folder of videos, with ``/``.
        label: Class index from 0.
        class_name: Official name of the class.
        group: Clips of one class with the same group show the same scene or come from the same
            source video; they stay on one side when a validation part is held out.
        origin: ``file:line`` of the entry.
    """

    path: str
    label: int
    class_name: str
    group: str
    origin: str


@dataclass(frozen=True)
class OfficialLists:
    """One official split.

    Attributes:
        classes: Class names by label.
        train: Official training clips.
        test: Official test clips.
        files: The files that were read.
    """

    classes: tuple[str, ...]
    train: tuple[Clip, ...]
    test: tuple[Clip, ...]
    files: tuple[Path, ...]


def parse_line(line: str, origin: str) -> tuple[str, int]:
    """Split ``path number`` at the last blank or tab, so that the path may hold blanks.

    Raises:
        DatasetError: The line does not end in a whole number.
    """
    parts = line.strip().rsplit(maxsplit=1)
    if len(parts) != 2 or not parts[1].removeprefix('-').isdecimal():
        raise DatasetError(f"{origin}: expected '<path> <number>', got {line.strip()!r}")
    return parts[0], int(parts[1])


def read_list(path: Path) -> list[tuple[str, str, int]]:
    """Read lines ``path label``, as ``tools/prepare_dataset.py`` writes them.

    Returns:
        ``file:line``, path of the video and label of every line that is not blank.

    Raises:
        DatasetError: It cannot be read, is empty, or a line does not end in a whole number.
    """
    advice = 'lists are made by tools/prepare_dataset.py'
    try:
        rows = [(where, *parse_line(line, where)) for where, line in filled_lines(path)]
    except MissingFileError as error:
        raise MissingFileError(f'{error}; {advice}') from error
    if not rows:
        raise BadFileError(f'{path}: the list is empty; {advice}')
    return rows


def format_lines(clips: Iterable[Clip], delimiter: str = ' ') -> str:
    """Write annotation lines that MMAction2's ``VideoDataset(delimiter=...)`` reads back.

    Args:
        clips: Clips of one list.
        delimiter: One of :data:`DELIMITERS`' values.

    Returns:
        One ``path<delimiter>label`` line per clip, in the given order.

    Raises:
        DatasetError: A path holds the delimiter, a line break or outer blanks, so that
            ``VideoDataset`` would read another name.
    """
    lines = []
    for clip in clips:
        if delimiter in clip.path or clip.path != clip.path.strip() or '\n' in clip.path:
            remedy = 'rename the file or folder'
            if delimiter == ' ':
                remedy += (
                    ", or write tab-separated lists with --delimiter tab and set delimiter='\\t' "
                    "in the config's VideoDatasets"
                )
            raise DatasetError(
                f'{clip.origin}: MMAction2 splits annotation lines at {delimiter!r}, which '
                f'{clip.path!r} holds; {remedy}'
            )
        lines.append(f'{clip.path}{delimiter}{clip.label}\n')
    return ''.join(lines)


_KINETICS = re.compile(r'(.{11})_\d{6}_\d{6}')
# the folder of UCF101 is spelled with a small s, its files with a capital one
_ALIASES = (('HandStandPushups', 'HandstandPushups'), (' ', '_'))


class VideoNames:
    """Names of videos in a file, looked up by path.

    A name and a path belong together if one is the tail of the other, folder by folder: the file
    may say ``clip``, ``wave/clip.avi`` or ``videos/train/clip.avi`` of
    ``/data/videos/train/clip.avi``, but not ``test/clip``. The longest such name wins. Endings of
    video files do not count. Folders that say no more than the name itself may differ: that of the
    class of ``v_Diving_g01_c01`` or of an HMDB51 clip, and those of Kinetics.
    ``HandStandPushups`` of UCF101 is ``HandstandPushups``; a blank is an underscore. A clip of
    Kinetics, ``<id>_<start>_<end>``, is also known by its YouTube id of 11 characters, if the file
    does not have its full name.

    Args:
        names: The names.
        source: Where they stand, for messages.
    """

    def __init__(self, names: Iterable[str], source: str) -> None:
        self.names = tuple(names)
        self.source = source
        self._by_stem: dict[str, list[int]] = defaultdict(list)
        self._by_id: dict[str, list[int]] = defaultdict(list)
        for index, name in enumerate(self.names):
            parts = _parts(name)
            if not parts:
                raise DatasetError(f'{source}: {name!r} names no video')
            self._by_stem[parts[-1]].append(index)
            clip = _KINETICS.fullmatch(parts[-1])
            if clip:
                self._by_id[clip[1]].append(index)

    def find(self, path: str) -> int | None:
        """Position of the name of a video.

        Returns:
            Index into the names; None where none fits.

        Raises:
            DatasetError: Several names fit equally well.
        """
        parts = _parts(path)
        for candidates in self._candidates(parts[-1]) if parts else ():
            overlaps = {i: _overlap(_parts(self.names[i]), parts) for i in candidates}
            best = max(overlaps.values(), default=-2)
            found = [i for i, overlap in overlaps.items() if overlap == best > -2]
            if len(found) > 1:
                raise DatasetError(
                    f'{self.source}: {len(found)} entries may be video {path}: '
                    f'{name_some(self.names[i] for i in found)}; keep the right one, or write '
                    'the names with their folders'
                )
            if found:
                return found[0]
        return None

    def _candidates(self, stem: str) -> Iterable[list[int]]:
        yield self._by_stem.get(stem, [])
        clip = _KINETICS.fullmatch(stem)
        yield self._by_stem.get(clip[1], []) if clip else self._by_id.get(stem, [])


class VideoEntries(VideoNames):
    """What a file says about videos, found by their paths; see :class:`VideoNames`.

    Args:
        path: The file, for messages.
        names: What it calls the videos.
        what: What it says of each, e.g. ``'person boxes'``.
        remedies: What to do where a video is missing.

    Raises:
        DatasetError: There are none.
    """

    def __init__(self, path: Path, names: Iterable[str], what: str, remedies: str) -> None:
        super().__init__(names, str(path))
        if not self.names:
            raise BadFileError(f'{path}: holds no videos')
        self.path, self._what, self._remedies = path, what, remedies

    def __len__(self) -> int:
        return len(self.names)

    def of(self, video: str | os.PathLike) -> Any:
        """What the file says of a video, by the path of its file or of the folder of its frames.

        Returns:
            None if the file does not have the video.

        Raises:
            DatasetError: Several entries may be meant.
        """
        index = self.find(str(video))
        return None if index is None else self._entry(index)

    def missing(self, video: str | os.PathLike) -> DatasetError:
        """The error that says that a video is not in the file, and what to do."""
        stem = _parts(str(video))[-1]
        same = [self.names[i] for some in self._candidates(stem) for i in some]
        like = f'; it has {name_some(same)}, in another folder' if same else ''
        return DatasetError(
            f'{self.path}: no {self._what} of video {video}{like}; {self._remedies}'
        )


def read_once(read: Callable[[Path], Any], path: str | os.PathLike, missing: str) -> Any:
    """Read a file once in a process, and again when it has changed.

    Args:
        read: Reads it.
        path: The file.
        missing: The message where it is not there, behind its path.

    Raises:
        MissingFileError: There is no such file.
    """
    path = Path(path)
    try:
        stat = path.stat()
    except OSError as error:
        raise MissingFileError(f'{path}: {missing}') from error
    return _read_once(read, path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=8)
def _read_once(read: Callable[[Path], Any], path: Path, size: int, mtime_ns: int) -> Any:
    return read(path)


def _parts(path: str) -> list[str]:
    """Folders and name, spelled one way."""
    for spelling, other in _ALIASES:
        path = path.replace(spelling, other)
    parts = [part for part in path.replace('\\', '/').split('/') if part not in ('', '.')]
    return [*parts[:-1], stem_of(parts[-1])] if parts else []


def _overlap(name: list[str], path: list[str]) -> int:
    """Number of folders that agree from the end; -1 if a difference means nothing, else -2."""
    *folders, stem = name
    length = min(len(folders), len(path) - 1)
    if folders[len(folders) - length :] == path[len(path) - 1 - length : -1]:
        return length
    return -1 if folders[-1] in stem or _KINETICS.fullmatch(stem) else -2
