"""The file of finished videos: many processes append to it, and it outlives an interruption."""

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import DatasetError, writing
from .files import encoded, open_regular, parse_json, whole_file, write_bytes
from .settings import difference, plain

_ADVICE = 'run the same command as before, name another file, or delete it to begin anew'


@dataclass(frozen=True)
class Journal:
    """JSON lines: first the settings, then one row with the key ``video`` for each finished video.

    Attributes:
        path: The file.
    """

    path: Path

    def begin(
        self,
        settings: Mapping[str, Any],
        check: Callable[[dict[str, Any], str], object] = lambda row, where: None,
    ) -> dict[str, tuple[int, int]]:
        """Start the file, or find out what it holds; a last line that was cut short is cut off.

        Args:
            settings: What all lines must have been made with, as plain JSON.
            check: Is given each row and its ``file:line``; raises a ``DatasetError`` for a bad one.

        Returns:
            Video -> where in the file its last row begins and ends.

        Raises:
            DatasetError: It was begun with other settings, is broken, or somebody else's.
        """
        head = _line(plain(settings))
        if not self.path.exists():
            write_bytes(self.path, head)
            return {}
        places: dict[str, tuple[int, int]] = {}
        start, cut = 0, b''
        with open_regular(self.path) as stream:
            for number, line in enumerate(stream, 1):
                if not line.endswith(b'\n'):
                    cut = line
                    break
                where = f'{self.path}:{number}'
                try:
                    row = parse_json(line, where)
                    if number > 1 and not isinstance(row.get('video'), str):
                        raise DatasetError(f'{where}: expected a row with "video"')
                    if number > 1:
                        check(row, where)
                        places[row['video']] = (start, start + len(line))
                    elif differing := difference(row, settings):
                        raise DatasetError(
                            f'{self.path} was begun with other settings ({differing})'
                        )
                except DatasetError as error:
                    raise DatasetError(f'{error}; {_ADVICE}') from error
                start += len(line)
        if start and cut:
            os.truncate(self.path, start)
        elif not start:
            if not head.startswith(cut):  # what is written over is only ever our own
                raise DatasetError(f'{self.path}:1: is no file of finished videos; {_ADVICE}')
            write_bytes(self.path, head)
        return places

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row; any number of processes may do so at once.

        Raises:
            WriteError: It cannot be written; nothing of it stays.
        """
        rest = _line(row)
        # without a buffer, whose rest would be written when the file is closed
        with writing(self.path), self.path.open('ab', buffering=0) as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            end = stream.seek(0, os.SEEK_END)
            try:
                while rest:
                    rest = rest[stream.write(rest) :]
            except OSError:
                os.truncate(self.path, end)
                raise

    def rows(self, places: Iterable[tuple[int, int]]) -> Iterator[dict[str, Any]]:
        """Read rows."""
        return map(json.loads, self._lines(places))

    def copy(self, places: Iterable[tuple[int, int]], to: Path) -> None:
        """Copy rows to a new file, whole or not at all.

        Raises:
            WriteError: The file cannot be written.
        """
        with whole_file(to) as part, part.open('wb') as target:
            target.writelines(self._lines(places))

    def _lines(self, places: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        with self.path.open('rb') as stream:
            for start, end in places:
                stream.seek(start)
                yield stream.read(end - start)


def _line(row: Mapping[str, Any]) -> bytes:
    return encoded(json.dumps(row, ensure_ascii=False) + '\n')
