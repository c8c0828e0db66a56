"""The file of finished videos: many processes append to it, and it outlives an interruption."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import DatasetError
from .files import write_json
from .settings import difference


@dataclass(frozen=True)
class PartFile:
    """JSON lines: first the settings, then one row with the key ``video`` for each finished video.

    Attributes:
        path: The file.
    """

    path: Path

    def begin(self, settings: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
        """Start the file, or find out what it holds; a last line that was cut short is cut off.

        Args:
            settings: What all lines must have been made with, as plain JSON.

        Returns:
            Video -> where in the file its row begins and ends.

        Raises:
            DatasetError: It was begun with other settings, or is broken.
        """
        # an empty file would take the first row for the settings
        if not self.path.exists() or not self.path.stat().st_size:
            write_json(self.path, settings, indent=None)
        places: dict[str, tuple[int, int]] = {}
        for number, (start, line) in enumerate(self._lines()):
            if number and not line.endswith(b'\n'):
                os.truncate(self.path, start)
                break
            try:
                row = json.loads(line)
                if number:
                    places[row['video']] = (start, start + len(line))
                else:
                    differing = difference(row, settings)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise DatasetError(
                    f'{self.path}: line {number + 1} is broken ({error}); delete '
                    'the file to begin anew'
                ) from error
            if not number and differing:
                raise DatasetError(
                    f'{self.path} was begun with other settings ({differing}); run '
                    'the same command as before, or delete the file'
                )
        return places

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row; any number of processes may do so at once.

        Args:
            row: With ``video``, as plain JSON.

        Raises:
            DatasetError: It cannot be written; nothing of it stays.
        """
        data = (json.dumps(row, ensure_ascii=False) + '\n').encode()
        try:
            with self.path.open('ab') as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                end = stream.seek(0, os.SEEK_END)
                try:
                    stream.write(data)
                    stream.flush()
                except OSError:
                    os.truncate(self.path, end)
                    raise
        except OSError as error:
            raise DatasetError(
                f'{self.path}: cannot be written: {error.strerror or error}; free '
                'space, then run again'
            ) from error

    def rows(self, places: Iterable[tuple[int, int]], copy_to: Path) -> Iterator[dict[str, Any]]:
        """Copy rows to a new file, which appears when the last one was taken.

        Args:
            places: Rows, from :meth:`begin`, in the order wanted.
            copy_to: The file.

        Yields:
            Each row.

        Raises:
            DatasetError: The file cannot be written.
        """
        try:
            handle, temporary = tempfile.mkstemp(dir=copy_to.parent, prefix=f'.{copy_to.name}.')
            try:
                with os.fdopen(handle, 'wb') as target, self.path.open('rb') as source:
                    for start, end in places:
                        source.seek(start)
                        line = source.read(end - start)
                        target.write(line)
                        yield json.loads(line)
                mask = os.umask(0)  # mkstemp makes the file private
                os.umask(mask)
                os.chmod(temporary, 0o666 & ~mask)
                os.replace(temporary, copy_to)
            finally:
                Path(temporary).unlink(missing_ok=True)
        except OSError as error:
            raise DatasetError(
                f'{copy_to}: cannot be written: {error.strerror or error}; free '
                'space, then run again'
            ) from error

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        start = 0
        with self.path.open('rb') as stream:
            for line in stream:
                yield start, line
                start += len(line)
