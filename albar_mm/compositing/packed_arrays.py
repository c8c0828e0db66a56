"""Small compressed array files: whole or not there, the same arrays in the same bytes."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np

from ..utils.errors import DatasetError
from ..utils.files import write_bytes


def save_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays.

    Args:
        path: Target, ``.npz``; its folder is made.
        **arrays: By name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    # np.savez would store the time of writing
    with zipfile.ZipFile(content, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.save(data, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f'{name}.npy'), data.getvalue(), zipfile.ZIP_DEFLATED)
    write_bytes(path, content.getvalue())


def load_arrays(path: Path, names: Collection[str], what: str) -> list[np.ndarray]:
    """Read arrays; a file with a flipped bit does not pass.

    Args:
        path: The file.
        names: Which arrays.
        what: What they are, for the message, e.g. ``'masks'``.

    Raises:
        DatasetError: The file is gone, broken, or lacks one of them.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return [stored[name] for name in names]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise unreadable(path, what, error) from error


def unreadable(path: Path, what: str, reason: object) -> DatasetError:
    """The error for a file that a build wrote and that cannot be used."""
    return DatasetError(f'{path}: cannot be read as {what} ({reason}); delete it and build again')
