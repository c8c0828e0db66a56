"""Work on every video of a list that can go on after an interruption (people, scenes)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..annotations.video_lists import read_list
from ..utils.errors import BadVideoError, DatasetError
from ..utils.files import check_output, read_json, write_json
from ..utils.identity import file_identity
from ..utils.journal import Journal
from ..utils.lock import sole_user_of
from ..utils.numbers import one_of
from ..utils.parallel import map_videos
from ..utils.settings import difference

MISSING = ('fail', 'drop')


@dataclass(frozen=True)
class ListResult:
    """What a run made.

    Attributes:
        out: The file.
        report: JSON file beside it.
        row: What the report says: settings, counts, and ``left_out``, the ``video`` and ``reason``
            of listed videos that are not in the file.
        kept: Videos that an earlier, interrupted run had finished.
    """

    out: Path
    report: Path
    row: dict[str, Any]
    kept: int


@sole_user_of('out', is_file=True)
def run_list_job(
    list_file: Path,
    out: Path,
    key: str,
    *,
    report: Path,
    part: Path,
    settings: Mapping[str, Any],
    missing: str,
    workers: int,
    say: Callable[[str], object],
    begin: Callable[[int], object],
    row_of: Callable[[str], dict[str, Any]],
    write: Callable[[Journal, list[tuple[int, int]]], dict[str, Any]],
) -> ListResult:
    """Make one file of the videos of a list, or go on with it: finished videos are kept until it is
    complete, and one that is complete is not made again.

    Args:
        list_file: Lines ``path label``.
        out: File to make.
        key: What the report calls the identity of ``out``.
        report: JSON file of settings and counts, written last.
        part: File of finished videos; deleted when the report is written.
        settings: What the rows depend on, as plain JSON; its ``list`` is filled in here.
        missing: With a video that cannot be read, or kills its process: ``'fail'`` or ``'drop'``.
        workers: Processes; 1 is this one.
        say: Shows a line of text to the user.
        begin: Is told how many videos are to be done, before the first.
        row_of: Makes the row of a video, without ``video``.
        write: Writes ``out`` from the journal and the places of its rows, in the order of the
            list; returns counts for the report.

    Raises:
        DatasetError: The list is empty, or cannot be read; no video can be read, or the work
            fails; ``out`` is there, but the report does not bear it out, or it or the journal
            is of other settings; something cannot be written.
        ValueError: For another ``missing``.
    """
    one_of(missing, MISSING, 'missing')
    videos = list(dict.fromkeys(path for _, path, _ in read_list(list_file)))
    settings = {**settings, 'list': file_identity(list_file)}
    journal = Journal(part)
    if out.exists() and (report.exists() or not part.exists()):
        row = _earlier(out, key, report, settings)
        say(f'{out}: is complete already')
        return ListResult(out, report, row, row['videos'])
    check_output(part)
    finished = journal.begin(settings)
    if finished:
        say(f'{part}: {len(finished)} of {len(videos)} videos are finished already')
    todo = [video for video in videos if video not in finished]
    begin(len(todo))
    work = partial(_work, row_of, journal, missing)
    crashed = None if workers == 1 else partial(_crashed, missing=missing)
    wrong = map_videos(work, todo, workers, crashed)
    left_out = sorted((found for found in wrong if found), key=lambda found: found['video'])
    places = journal.begin(settings)
    if not places:
        raise DatasetError(
            f'{list_file}: none of {len(videos)} videos can be read; '
            f'the first: {left_out[0]["reason"]}'
        )
    counts = write(journal, [places[video] for video in videos if video in places])
    row = dict(settings, **{key: file_identity(out)}, **counts, left_out=left_out)
    write_json(report, row)
    part.unlink()
    return ListResult(out, report, row, len(finished))


def _earlier(out: Path, key: str, report: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The report of an earlier run, which must be of the same settings and the same file."""
    advice = 'name another --out, or delete it'
    try:
        row = read_json(report)
        same_file = row[key] == file_identity(out)
    except (DatasetError, KeyError) as error:
        raise DatasetError(
            f'{out}: is there already, without a sound {report.name} ({error}); {advice}'
        ) from error
    why = difference(row, settings) or (not same_file and 'it was changed since')
    if why:
        raise DatasetError(f'{out}: is there already, made with other settings ({why}); {advice}')
    return row


def _work(
    row_of: Callable[[str], dict[str, Any]], journal: Journal, missing: str, name: str
) -> dict[str, str] | None:
    """Put the row of a video to those that are finished, or return why it is left out."""
    try:
        row = row_of(name)
    except BadVideoError as error:
        if missing == 'fail':
            raise
        return dict(video=name, reason=str(error))
    journal.append(dict(video=name, **row))
    return None


def _crashed(name: str, missing: str) -> dict[str, str]:
    reason = 'its process was killed while at work on it'
    if missing == 'fail':
        raise BadVideoError(
            f'video {name}: {reason}; what is finished is kept. Make it anew, or '
            'leave it out with --missing drop'
        )
    return dict(video=name, reason=reason)


def left_out_lines(done: ListResult) -> list[str]:
    """Lines for the terminal about videos that were left out; none if there are none."""
    if not done.row['left_out']:
        return []
    return [
        f'left out {len(done.row["left_out"])} listed videos, all in {done.report}:',
        *(f'  {entry["video"]}: {entry["reason"]}' for entry in done.row['left_out'][:5]),
    ]
