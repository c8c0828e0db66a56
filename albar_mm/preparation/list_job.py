"""Work on every video of a list that can go on after an interruption (people, scenes)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..annotations.video_lists import read_list
from ..utils.errors import BadVideoError, DatasetError
from ..utils.files import check_output, read_json, write_json
from ..utils.identity import file_identity
from ..utils.journal import Journal
from ..utils.parallel import map_videos
from ..utils.settings import difference

MISSING = ('fail', 'drop')
_Result = TypeVar('_Result')


class ListJob:
    """One file made of the videos of a list; finished videos are kept until it is complete.

    Args:
        list_file: Lines ``path label``.
        out: File to make.
        key: What the report calls the identity of ``out``.
        report: JSON file of settings and counts, written last.
        part: File of finished videos; deleted when the report is written.
        settings: What the rows depend on, as plain JSON; its ``list`` is filled in here.
        missing: With a video that cannot be read, or kills its process: ``'fail'`` or ``'drop'``.

    Attributes:
        videos: Videos of the list, each once, in its order.
        journal: Rows of finished videos.
        finished: Videos that an earlier run finished, after :meth:`begin`.

    Raises:
        DatasetError: The list is empty, or cannot be read.
        ValueError: For another ``missing``.
    """

    def __init__(
        self,
        list_file: Path,
        out: Path,
        key: str,
        report: Path,
        part: Path,
        settings: Mapping[str, Any],
        missing: str,
    ) -> None:
        if missing not in MISSING:
            raise ValueError(f'missing must be one of {MISSING}, got {missing!r}')
        self.list_file, self.out, self.key, self.report = list_file, out, key, report
        self.videos = list(dict.fromkeys(path for _, path, _ in read_list(list_file)))
        self.settings = {**settings, 'list': file_identity(list_file)}
        self.missing = missing
        self.journal = Journal(part)
        self.finished: frozenset[str] = frozenset()

    def earlier(self, result: Callable[[dict[str, Any]], _Result]) -> _Result | None:
        """The result of an earlier run's report; None without a complete run.

        Raises:
            DatasetError: ``out`` is there, but the report does not bear it out, or is of other
                settings.
        """
        out, report = self.out, self.report
        if not out.exists() or (self.journal.path.exists() and not report.exists()):
            return None
        advice = 'name another --out, or delete it'
        try:
            row = read_json(report)
            same_file = row[self.key] == file_identity(out)
            done = result(row)
        except (DatasetError, KeyError, TypeError) as error:
            raise DatasetError(
                f'{out}: is there already, without a sound {report.name} ({error}); {advice}'
            ) from error
        why = difference(row, self.settings) or (not same_file and 'it was changed since')
        if why:
            raise DatasetError(
                f'{out}: is there already, made with other settings ({why}); {advice}'
            )
        return done

    def begin(self, say: Callable[[str], object]) -> list[str]:
        """Begin, or go on with what the journal holds; returns the videos that are not finished.

        Raises:
            DatasetError: The journal is of other settings, broken, or cannot be written.
        """
        check_output(self.journal.path)
        self.finished = frozenset(self.journal.begin(self.settings))
        if self.finished:
            number = f'{len(self.finished)} of {len(self.videos)}'
            say(f'{self.journal.path}: {number} videos are finished already')
        return [video for video in self.videos if video not in self.finished]

    def run(
        self, row_of: Callable[[str], dict[str, Any]], todo: Sequence[str], workers: int
    ) -> tuple[list[tuple[int, int]], list[dict[str, str]]]:
        """Make the row of every video in ``todo``, without ``video``; 1 worker is this process.

        Returns:
            Where the rows are in the journal, in the order of the list; and ``video`` and
            ``reason`` of what was left out, by name.

        Raises:
            DatasetError: No video can be read, or the work fails.
        """
        crashed = None if workers == 1 else partial(_crashed, missing=self.missing)
        wrong = map_videos(_Work(row_of, self.journal, self.missing), todo, workers, crashed)
        left_out = sorted((found for found in wrong if found), key=lambda found: found['video'])
        places = self.journal.begin(self.settings)
        if not places:
            raise DatasetError(
                f'{self.list_file}: none of {len(self.videos)} videos can be read; '
                f'the first: {left_out[0]["reason"]}'
            )
        return [places[video] for video in self.videos if video in places], left_out

    def finish(self, left_out: Sequence[Mapping[str, str]], **counts: Any) -> dict[str, Any]:  # noqa: ANN401
        """Write the report, after ``out``, and delete the file of finished videos."""
        made = {self.key: file_identity(self.out)}
        row = dict(self.settings, **made, **counts, left_out=left_out)
        write_json(self.report, row)
        self.journal.path.unlink()
        return row


@dataclass(frozen=True)
class _Work:
    """Puts the row of a video to those that are finished, or returns why it is left out."""

    row_of: Callable[[str], dict[str, Any]]
    journal: Journal
    missing: str

    def __call__(self, name: str) -> dict[str, str] | None:
        try:
            row = self.row_of(name)
        except BadVideoError as error:
            if self.missing == 'fail':
                raise
            return dict(video=name, reason=str(error))
        self.journal.append(dict(video=name, **row))
        return None


def _crashed(name: str, missing: str) -> dict[str, str]:
    reason = 'its process was killed while at work on it'
    if missing == 'fail':
        raise BadVideoError(
            f'video {name}: {reason}; what is finished is kept. Make it anew, or '
            'leave it out with --missing drop'
        )
    return dict(video=name, reason=reason)


def left_out_lines(left_out: Sequence[Mapping[str, str]], report: Path) -> list[str]:
    """Lines for the terminal about videos that were left out; none if there are none."""
    if not left_out:
        return []
    return [
        f'left out {len(left_out)} listed videos, all in {report}:',
        *(f'  {entry["video"]}: {entry["reason"]}' for entry in left_out[:5]),
    ]
