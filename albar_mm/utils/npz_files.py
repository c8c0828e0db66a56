"""Reading ``.npz`` files of unknown origin: arrays of numbers and text, never a pickle."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Collection

import numpy as np

# what a file that is damaged or of another kind makes numpy and zipfile raise
_DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    SyntaxError,
    MemoryError,
    OverflowError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npz(path: str | os.PathLike, names: Collection[str]) -> dict[str, np.ndarray]:
    """Read some arrays of an ``.npz`` file.

    Args:
        path: The file.
        names: Which arrays; those that it does not hold are left out.

    Returns:
        Name -> array.

    Raises:
        ValueError: The file is gone, damaged, of another kind or holds a pickle; one line that says
            why, without the file's name.
    """
    try:
        stored = np.load(path, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            raise ValueError('it holds a single array')
        with stored:
            return {name: stored[name] for name in names if name in stored}
    except _DAMAGE as error:
        raise ValueError(' '.join(str(error).split())[:200] or type(error).__name__) from error
