"""Folders on Python's search path that hide installed packages."""

import importlib.metadata
import os
from pathlib import Path

from .report import Finding

_HIDEABLE = ('torch', 'mmengine', 'mmcv', 'mmaction', 'numpy', 'cv2', 'albar_mm', 'tools')


def check_paths(pythonpath: str | None, repository: Path) -> list[Finding]:
    """Find folders on ``PYTHONPATH`` whose contents hide an installed package.

    Args:
        pythonpath: Value of the variable, None if it is not set.
        repository: Folder that the running albar_mm belongs to.
    """
    if not pythonpath:
        return []
    found = []
    entries = pythonpath.split(os.pathsep)
    kept = [entry for entry in entries if entry]
    if len(kept) < len(entries):
        found.append(
            Finding(
                'warning',
                'PYTHONPATH has an empty entry: Python takes modules from whatever folder it is '
                'started in',
                _export(kept),
            )
        )
    for entry in kept:
        folder = Path(entry).resolve()
        hidden = [
            name
            for name in _HIDEABLE
            if (folder / name).is_dir() or (folder / f'{name}.py').is_file()
        ]
        if folder != repository.resolve() and hidden and not folder.name.endswith('-packages'):
            found.append(
                Finding(
                    'warning',
                    f'PYTHONPATH holds {entry}, whose {", ".join(hidden)} hide the installed ones',
                    _export([other for other in kept if other != entry]),
                )
            )
        elif (folder / 'train.py').is_file() and (folder / 'test.py').is_file():
            found.append(
                Finding(
                    'warning',
                    f"PYTHONPATH holds {entry}, whose test.py hides Python's own module test",
                    _export([other for other in kept if other != entry]),
                )
            )
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
    return [
        Finding(
            'warning',
            f'two copies of albar_mm: {repository}, used by this tool, and {other.parent}, used by '
            'every other program',
            f'pip install --no-deps -e "{repository}"',
        )
    ]
