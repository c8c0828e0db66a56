"""Reading and writing every file that is text: checked, whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import json
import os
import re
import stat
import tempfile
import uuid
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mmengine import fileio

from .errors import BadFileError, WriteError, cannot_write, reading, reason_of, writing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIB = 1 << 20
LIMIT_MIB = 256  # of a text file read in one piece; lists of the largest data sets take a tenth
# what is being written; the second form is that of feature stores before version 1.0
_NO_UTF8 = 'is no UTF-8 text; save the file as UTF-8'
_PART = re.compile(r'\.([0-9a-f]{32}|.+-\d+-[0-9a-f]{8})\.part')
_cleared: set[str] = set()


@contextmanager
def open_regular(
    path: str | os.PathLike, limit_mib: float | None = None, what: str = ''
) -> Iterator[IO[bytes]]:
    """Open a regular file for reading; a pipe, a device or a folder is refused at once.

    Whatever goes wrong inside the ``with`` becomes an error that names the file.

    Args:
        path: The file.
        limit_mib: Largest size in MiB; None for any.
        what: What it should hold, for messages.

    Yields:
        The open file.

    Raises:
        MissingFileError: There is no such file.
        BadFileError: It is no regular file, too large, or cannot be read.
    """
    with reading(path, what):
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            kind = 'a folder' if stat.S_ISDIR(status.st_mode) else 'a pipe or a device'
            raise ValueError(f'it is {kind}, not a file')
        with os.fdopen(handle, 'rb') as stream:
            if limit_mib is not None and status.st_size > limit_mib * MIB:
                size = status.st_size / MIB
                raise ValueError(f'it has {size:.0f} MiB, at most {limit_mib:g} are expected')
            yield stream


def files_below(folder: str | os.PathLike) -> Iterator[Path]:
    """All files in a folder and its sub-folders, links to folders followed, in no order.

    Each real folder is searched once, under its own name where it has one below ``folder``. What is
    no folder counts as a file, pipes and dangling links too: they fail when they are read.

    Args:
        folder: The folder.

    Yields:
        Paths that begin with ``folder``.

    Raises:
        BadFileError: A folder cannot be read.
    """
    seen: set[str] = set()
    waiting = [os.fspath(folder)]

    def refuse(error: OSError) -> None:
        raise BadFileError(f'{error.filename}: cannot be searched: {reason_of(error)}') from error

    for start in waiting:  # links come last, and add to the list
        for place, folders, names in os.walk(start, onerror=refuse):
            real = os.path.realpath(place)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            inner = (os.path.join(place, name) for name in folders)
            waiting += filter(os.path.islink, inner)
            yield from (Path(place, name) for name in names)


def read_bytes(path: str | os.PathLike, limit_mib: float = LIMIT_MIB) -> bytes:
    """Content of a file.

    Args:
        path: The file, or an address that MMEngine's file backends know.
        limit_mib: Largest size in MiB.

    Raises:
        DatasetError: As for :func:`open_regular`.
    """
    if '://' in os.fspath(path):
        with reading(path):
            return fileio.get(os.fspath(path))
    with open_regular(path, limit_mib) as stream:
        return stream.read()


def read_text(path: str | os.PathLike, limit_mib: float = LIMIT_MIB) -> str:
    """Text of a UTF-8 file, without its byte-order mark.

    Args:
        path: The file.
        limit_mib: Largest size in MiB.

    Raises:
        DatasetError: As for :func:`open_regular`, or it is no UTF-8, or holds the character 0,
            as UTF-16 and what is no text do; names the line.
    """
    data = read_bytes(path, limit_mib)
    try:
        text, wrong = data.decode('utf-8-sig'), data.find(b'\0')
    except UnicodeDecodeError as error:
        text, wrong = '', error.start
    if wrong < 0:
        return text
    number = data[:wrong].count(b'\n') + 1
    raise BadFileError(f'{path}:{number}: {_NO_UTF8}')


def read_lines(path: str | os.PathLike, limit_mib: float = LIMIT_MIB) -> list[str]:
    r"""Lines of a text file, split at ``\n`` and ``\r\n`` alone, without their ends.

    Args:
        path: The file.
        limit_mib: Largest size in MiB.

    Returns:
        All lines, empty ones too; none after the last line end.

    Raises:
        DatasetError: As for :func:`read_text`.
    """
    lines = [line.removesuffix('\r') for line in read_text(path, limit_mib).split('\n')]
    return lines if lines[-1] else lines[:-1]


def filled_lines(
    path: str | os.PathLike, limit_mib: float = LIMIT_MIB
) -> Iterator[tuple[str, str]]:
    """Lines of a text file that hold more than blanks, and where each stands.

    Args:
        path: The file.
        limit_mib: Largest size in MiB.

    Yields:
        ``file:line`` and the line, stripped of outer blanks.

    Raises:
        DatasetError: As for :func:`read_text`.
    """
    for number, line in enumerate(read_lines(path, limit_mib), 1):
        if line.strip():
            yield f'{path}:{number}', line.strip()


def parse_json(text: str | bytes, where: str, kind: type = dict) -> Any:
    """Read JSON of one kind.

    Args:
        text: The JSON.
        where: File, or ``file:line``, for the message.
        kind: What it should be: ``dict``, ``list`` or ``object`` for anything.

    Raises:
        BadFileError: It is no JSON, of another kind, or an object has a key twice.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        place = f'{where}:{error.lineno}' if '\n' in str(error.doc).rstrip('\n') else where
        raise BadFileError(f'{place}: is no JSON: {error.msg} (column {error.colno})') from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise BadFileError(f'{where}: is no JSON: {reason_of(error)}') from error
    if not isinstance(value, kind):
        wanted = {dict: 'a JSON object', list: 'a JSON list'}.get(kind, kind.__name__)
        raise BadFileError(f'{where}: expected {wanted}, got {type(value).__name__}')
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; the parser itself would drop all but the last of equal keys."""
    value = dict(pairs)
    if len(value) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f'the key {twice!r:.80} stands twice in one object: keep one of them')
    return value


def read_json(path: str | os.PathLike, kind: type = dict, limit_mib: float = LIMIT_MIB) -> Any:
    """Content of a JSON file.

    Args:
        path: The file.
        kind: What it should hold: ``dict``, ``list`` or ``object`` for anything.
        limit_mib: Largest size in MiB.

    Raises:
        DatasetError: As for :func:`read_text`, or it is no JSON of that kind.
    """
    return parse_json(read_text(path, limit_mib), os.fspath(path), kind)


def read_json_lines(
    path: str | os.PathLike, longest_mib: float = LIMIT_MIB
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of a JSON-lines file of any length, one at a time; empty lines are passed over.

    Args:
        path: The file.
        longest_mib: Longest line allowed, in MiB.

    Yields:
        ``file:line`` and row.

    Raises:
        DatasetError: It cannot be read, or a line is no JSON object.
    """
    longest = int(longest_mib * MIB)
    with open_regular(path) as stream:
        number = 0
        while line := stream.readline(longest + 1):
            number += 1
            if len(line) > longest:
                raise BadFileError(f'{path}:{number}: is longer than {longest_mib:g} MiB')
            try:
                text = line.decode('utf-8-sig' if number == 1 else 'utf-8').strip()
            except UnicodeDecodeError as error:
                raise BadFileError(f'{path}:{number}: {_NO_UTF8}') from error
            if text:
                yield f'{path}:{number}', parse_json(text, f'{path}:{number}')


def read_csv(
    path: str | os.PathLike,
    columns: Sequence[str] = (),
    *,
    header: bool = True,
    limit_mib: float = LIMIT_MIB,
) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of a table, every cell as text without outer blanks.

    Args:
        path: The file.
        columns: With a header, the columns that it must have (it may have more); without one, the
            names of all columns.
        header: The first line names the columns.
        limit_mib: Largest size in MiB.

    Yields:
        ``file:line`` and column -> cell. A cell that is missing at the end of a row is ``''``.

    Raises:
        DatasetError: It cannot be read, lacks a column, or a row has too many cells.
    """
    import pandas as pd  # takes a while to import

    text = read_text(path, limit_mib)
    options = dict(dtype=str, keep_default_na=False, skip_blank_lines=False, index_col=False)
    options |= dict(header=0) if header else dict(header=None, names=list(columns))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('error', pd.errors.ParserWarning)  # too many cells in a row
            table = pd.read_csv(io.StringIO(text), **options)
    except (ValueError, pd.errors.ParserWarning) as error:
        raise BadFileError(f'{path}: cannot be read as a table: {reason_of(error)}') from error
    table.columns = [str(name).strip() for name in table.columns]
    lacking = [name for name in columns if name not in table.columns]
    if lacking:
        held = ', '.join(table.columns)
        raise BadFileError(f'{path}: no column {", ".join(lacking)}; it has {held}')
    number = 1 + header
    for row in table.to_dict('records'):
        cells = {key: '' if value != value else value for key, value in row.items()}
        if any(cells.values()):
            yield f'{path}:{number}', {key: value.strip() for key, value in cells.items()}
        number += 1 + sum(value.count('\n') for value in cells.values())


@contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary name beside a file that gets its own name when the ``with`` ends well.

    What an earlier process left behind in that folder, killed while it wrote, is cleared.

    Args:
        path: The file that is to be written; its folder is made if absent.

    Yields:
        Where to write. It has the ending of the file.

    Raises:
        WriteError: It cannot be written; nothing half-written is left.
    """
    path = Path(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(path.parent)
        part = path.with_name(f'.{uuid.uuid4().hex}.part{path.suffix}')
        lock = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # those that run hold their file
            yield part
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
            os.close(lock)


def _clear_leftovers(folder: Path) -> None:
    """Delete what processes that were killed had begun, once per process and folder."""
    place = os.path.realpath(folder)
    if place in _cleared:
        return
    _cleared.add(place)
    for part in folder.glob('.*.part*'):
        if not _PART.match(part.name):
            continue
        try:
            with part.open('rb') as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink(missing_ok=True)
        except OSError:
            continue


def write_bytes(path: str | os.PathLike, data: bytes) -> str:
    """Write a file, whole or not at all.

    Args:
        path: The file; its folder is made if absent.
        data: Content.

    Returns:
        SHA-256 of the content.

    Raises:
        WriteError: It cannot be written.
    """
    with whole_file(path) as part:
        part.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a UTF-8 text file, whole or not at all.

    Args:
        path: The file; its folder is made if absent.
        text: Content.

    Raises:
        WriteError: It cannot be written.
    """
    write_bytes(path, encoded(text))


def encoded(text: str) -> bytes:
    """Text in UTF-8. What UTF-8 cannot hold, as of file names in Latin-1, is written as in JSON."""
    return text.encode(errors='backslashreplace')


def write_json(path: str | os.PathLike, value: Any, indent: int | None = 1) -> None:
    """Write a JSON file, whole or not at all.

    Args:
        path: The file; its folder is made if absent.
        value: What JSON can hold.
        indent: Blanks per level; None for a single line.

    Raises:
        WriteError: It cannot be written.
    """
    write_text(path, json.dumps(value, indent=indent, ensure_ascii=False) + '\n')


def write_json_lines(path: str | os.PathLike, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as JSON lines, whole or not at all.

    Args:
        path: The file; its folder is made if absent.
        rows: What JSON can hold.

    Raises:
        WriteError: It cannot be written.
    """
    write_text(path, ''.join(json.dumps(row, ensure_ascii=False) + '\n' for row in rows))


def write_csv(path: str | os.PathLike, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a table, whole or not at all.

    Args:
        path: The file; its folder is made if absent.
        rows: Column -> cell; the first row names the columns.

    Raises:
        WriteError: It cannot be written.
    """
    import pandas as pd  # takes a while to import

    write_text(path, pd.DataFrame(rows).to_csv(index=False, lineterminator='\n'))


def save_figure(figure: Figure, path: str | os.PathLike, **options: Any) -> Path:
    """Write a figure, whole or not at all.

    Args:
        figure: The figure.
        path: PNG, PDF or SVG file to write; its folder is made if absent.
        **options: For ``Figure.savefig``; 130 dots per inch if they name no other number.

    Returns:
        The file.

    Raises:
        WriteError: It cannot be written.
    """
    with whole_file(path) as part:
        figure.savefig(part, **{'dpi': 130, **options})
    return Path(path)


def try_folder(folder: str | os.PathLike) -> None:
    """Make a folder and write to it, leaving nothing there.

    Args:
        folder: The folder; it may exist.

    Raises:
        WriteError: It cannot be made or written to.
    """
    with writing(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def check_output(path: str | os.PathLike) -> None:
    """Make the folder of a file that is to be written, and try it out.

    Args:
        path: The file; it may exist.

    Raises:
        WriteError: It is a folder, or its folder cannot be made or written to.
    """
    path = Path(path)
    if path.is_dir():
        raise cannot_write(path, IsADirectoryError(errno.EISDIR, 'it is a folder'))
    try:
        try_folder(path.parent)
    except WriteError as error:
        cause = error.__cause__
        if isinstance(cause, FileExistsError):
            cause = NotADirectoryError(errno.ENOTDIR, f'{path.parent} is no folder')
        raise cannot_write(path, cause) from error
