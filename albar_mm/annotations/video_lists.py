"""What every official split list is read into, and MMAction2's ``path label`` lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..utils.errors import BadFileError, DatasetError, MissingFileError
from ..utils.files import filled_lines

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
