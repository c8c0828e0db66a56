"""Trying out, before long work, whether its result can be written."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from .benchmark_errors import BenchmarkError


def try_folder(folder: Path) -> None:
    """Make a folder and write to it, leaving nothing there.

    Args:
        folder: The folder; it may exist.

    Raises:
        OSError: It cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def check_output(path: str | os.PathLike) -> None:
    """Make the folder of a file that is to be written, and try it out.

    Args:
        path: The file; it may exist.

    Raises:
        BenchmarkError: It is a folder, or its folder cannot be made or written to.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, 'it is a folder')
        try:
            try_folder(path.parent)
        except FileExistsError as error:
            raise NotADirectoryError(errno.ENOTDIR, f'{path.parent} is no folder') from error
    except OSError as error:
        raise BenchmarkError(
            f'{path}: cannot be written: {error.strerror or error}; free space, or name a file in '
            'a folder that you may write to'
        ) from error
