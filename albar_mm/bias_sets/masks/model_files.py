"""Files of networks that a user brings: whether they are there, and which they are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ...utils.errors import DatasetError
from ...utils.identity import file_sha256


def model_key(path: Path) -> tuple[Path, int, int]:
    """Path, size in bytes and time of change in ns: a key for caches that reads nothing.

    Raises:
        DatasetError: There is no such file.
    """
    if not path.exists():
        raise DatasetError(f'{path}: no such model file')
    if not path.is_file():
        raise DatasetError(f'{path}: expected the file of a model, not a folder')
    stat = path.stat()
    return path, stat.st_size, stat.st_mtime_ns


def model_sha256(path: Path) -> str:
    """SHA-256 of a file of a network; read once in a process."""
    return _sha256(*model_key(path))


@lru_cache(maxsize=8)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    return file_sha256(path)
