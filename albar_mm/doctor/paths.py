"""Folders on Python's search path that hide installed packages."""

import importlib.metadata
import os
from pathlib import Path

from .report import Finding, warning

_HIDEABLE = ('torch', 'mmengine', 'mmcv', 'mmaction', 'numpy', 'cv2', 'albar_mm', 'tools')


def check_paths(pythonpath: str | None, repository: Path) -> list[Finding]:
    """Find folders on ``PYTHONPATH`` whose contents hide an installed package.

    Args:
        pythonpath: Value of the variable, None if it is not set.
        repository: Folder that the running albar_mm belongs to.
    """
    if not pythonpath:
        return []
    found, entries = [], pythonpath.split(os.pathsep)
    kept = [entry for entry in entries if entry]
    if len(kept) < len(entries):
        found += warning(
            'PYTHONPATH has an empty entry: Python takes modules from whatever folder it is '
            'started in',
            _export(kept),
        )
    for entry in kept:
        folder, without = Path(entry).resolve(), _export([one for one in kept if one != entry])
        hidden = [n for n in _HIDEABLE if (folder / n).is_dir() or (folder / f'{n}.py').is_file()]
        if folder != repository.resolve() and hidden and not folder.name.endswith('-packages'):
            names = ', '.join(hidden)
            found += warning(
                f'PYTHONPATH holds {entry}, whose {names} hide the installed ones', without
            )
        elif (folder / 'train.py').is_file() and (folder / 'test.py').is_file():
            what = f"PYTHONPATH holds {entry}, whose test.py hides Python's own module test"
            found += warning(what, without)
    return found


def _export(entries: list[str]) -> str:
    return f'export PYTHONPATH="{os.pathsep.join(entries)}"' if entries else 'unset PYTHONPATH'


def check_copies(repository: Path) -> list[Finding]:
    """Find a second albar_mm, installed apart from the one that is running.

    Args:
        repository: Folder that the running albar_mm belongs to.
    """
    try:
        distribution = importlib.metadata.distribution('albar_mm')
    except importlib.metadata.PackageNotFoundError:
        return []
    other = Path(distribution.locate_file('albar_mm'))
    if not (other / '__init__.py').is_file() or other.resolve().parent == repository.resolve():
        return []
    return warning(
        f'two copies of albar_mm: {repository}, used by this tool, and {other.parent}, used by '
        'every other program',
        f'pip install --no-deps -e "{repository}"',
    )
