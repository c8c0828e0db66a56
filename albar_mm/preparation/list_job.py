"""Work on every video of a list that can go on after an interruption (people, scenes)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..annotations.video_lists import parse_line
from ..utils.errors import BadVideoError, DatasetError
from ..utils.files import check_output
from ..utils.identity import file_identity
from ..utils.journal import PartFile
from ..utils.parallel import map_videos
from ..utils.settings import difference

_Result = TypeVar('_Result')


def listed_videos(list_file: Path) -> list[str]:
    """Videos of a list, each once, in its order.

    Args:
        list_file: Lines ``path label``.

    Raises:
        DatasetError: It is empty, or cannot be read.
    """
    try:
        lines = list_file.read_text(encoding='utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f'{list_file}: cannot be read as a list: {error}; lists are made by '
            'tools/prepare_dataset.py'
        ) from error
    videos = [
        parse_line(line, f'{list_file}:{number}')[0]
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if not videos:
        raise DatasetError(f'{list_file}: the list is empty')
    return list(dict.fromkeys(videos))


def finished_before(
    out: Path,
    report: Path,
    part: Path,
    key: str,
    settings: Mapping[str, Any],
    result: Callable[[dict[str, Any]], _Result],
) -> _Result | None:
    """What an earlier run made, if it is complete and of the same settings.

    Args:
        out: The file that it wrote.
        report: Its report, with the identity of ``out`` under ``key``.
        part: File of finished videos; it is deleted when ``report`` is written.
        key: See there.
        settings: What it must have been made with.
        result: Makes the result of a report's content.

    Returns:
        The result; None if ``out`` is not there, or the run ended before its report was written.

    Raises:
        DatasetError: ``out`` is there, but the report does not bear it out.
    """
    if not out.exists() or (part.exists() and not report.exists()):
        return None
    try:
        row = json.loads(report.read_text(encoding='utf-8'))
        same_file = row[key] == file_identity(out)
        differing = difference(row, settings)
        done = result(row)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f'{out}: is there already, without a sound {report.name} ({error}); '
            'name another --out, or delete it'
        ) from error
    if differing or not same_file:
        why = differing or 'it was changed since'
        raise DatasetError(
            f'{out}: is there already, made with other settings ({why}); name '
            'another --out, or delete it'
        )
    return done


@dataclass(frozen=True)
class ListJob:
    """The videos of a list and the file of those that are finished.

    Attributes:
        list_file: The list.
        videos: Its videos.
        part: Rows of finished videos.
        settings: What the rows depend on.
        finished: Videos that an earlier run finished.
    """

    list_file: Path
    videos: tuple[str, ...]
    part: PartFile
    settings: Mapping[str, Any]
    finished: frozenset[str]

    @classmethod
    def begin(
        cls,
        list_file: Path,
        videos: Sequence[str],
        part: Path,
        settings: Mapping[str, Any],
        say: Callable[[str], object],
    ) -> ListJob:
        """Begin, or go on with what ``part`` holds.

        Args:
            list_file: The list.
            videos: Its videos.
            part: File of finished videos.
            settings: What its rows depend on.
            say: Shows a line of text to the user.

        Raises:
            DatasetError: The file is of other settings, broken, or cannot be written.
        """
        check_output(part)
        file = PartFile(part)
        finished = frozenset(file.begin(settings))
        if finished:
            say(f'{part}: {len(finished)} of {len(videos)} videos are finished already')
        return cls(list_file, tuple(videos), file, settings, finished)

    @property
    def todo(self) -> list[str]:
        """Videos that are not finished."""
        return [video for video in self.videos if video not in self.finished]

    def run(
        self, work: Callable[[str], dict[str, str] | None], workers: int, missing: str = 'fail'
    ) -> tuple[list[tuple[int, int]], list[dict[str, str]]]:
        """Do the work on all videos that are not finished.

        Args:
            work: Appends the row of a video to ``part``, or returns why it is left out: ``video``
                and ``reason``.
            workers: Processes; 1 stays in this one.
            missing: With a video that kills its process: ``'fail'``, or ``'drop'``.

        Returns:
            Where the rows are, in the order of the list, and what was left out, by name.

        Raises:
            DatasetError: No video can be read, or the work fails.
        """
        crashed = None if workers == 1 else partial(_crashed, missing=missing)
        wrong = map_videos(work, self.todo, workers, crashed)
        left_out = sorted((found for found in wrong if found), key=lambda found: found['video'])
        places = self.part.begin(self.settings)
        if not places:
            raise DatasetError(
                f'{self.list_file}: none of {len(self.videos)} videos can be read; '
                f'the first: {left_out[0]["reason"]}'
            )
        return [places[video] for video in self.videos if video in places], left_out


def _crashed(name: str, missing: str) -> dict[str, str]:
    reason = 'its process was killed while at work on it'
    if missing == 'fail':
        raise BadVideoError(
            f'video {name}: {reason}; what is finished is kept. Make it anew, or '
            'leave it out with --missing drop'
        )
    return dict(video=name, reason=reason)


def left_out_lines(left_out: Sequence[Mapping[str, str]], report: Path) -> list[str]:
    """Lines for the terminal about videos that were left out; none if there are none.

    Args:
        left_out: Rows with ``video`` and ``reason``.
        report: Where they all are.
    """
    if not left_out:
        return []
    return [
        f'left out {len(left_out)} listed videos, all in {report}:',
        *(f'  {entry["video"]}: {entry["reason"]}' for entry in left_out[:5]),
    ]
