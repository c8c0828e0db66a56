"""This machine or container: cores, memory, disk, limits, and Python's search path."""

import importlib.metadata
import os
import shutil
import sys
import tempfile
from pathlib import Path

from .report import Finding, warning

GIB = 2**30
MIN_SHARED_BYTES = GIB
MIN_DISK_BYTES = 2 * GIB
MIN_OPEN_FILES = 1024
SHARED = Path('/dev/shm')
_HIDEABLE = ('torch', 'mmengine', 'mmcv', 'mmaction', 'numpy', 'cv2', 'albar_mm', 'tools')


def check_machine() -> tuple[dict[str, str], list[Finding]]:
    """Facts on the machine, and what is too small for a training with workers."""
    facts = {'cores': str(cores()), 'RAM': _gib(memory_bytes())}
    found = []
    for name, folder in (('current folder', Path.cwd()), ('temporary', tempfile.gettempdir())):
        free = shutil.disk_usage(folder).free
        facts[f'free disk ({name})'] = _gib(free)
        if free < MIN_DISK_BYTES:
            found += warning(
                f'only {_gib(free)} free on the disk of {folder}',
                f'df -h "{folder}" && du -xh "{folder}" | sort -h | tail -20',
            )
    shared, soft = shared_bytes(), open_files()
    if shared is not None:
        facts['shared memory'] = _gib(shared)
    if soft is not None:
        facts['ulimit -n'] = str(soft)
    found += check_shared(shared) + check_open_files(soft)
    for name in ('CUDA_VISIBLE_DEVICES', 'OMP_NUM_THREADS', 'PYTHONPATH', 'LD_LIBRARY_PATH'):
        if name in os.environ:
            facts[name] = os.environ[name] or '(empty)'
    return facts, found


def check_shared(size_bytes: int | None, needed_bytes: int = MIN_SHARED_BYTES) -> list[Finding]:
    """Shared memory carries batches from the workers; a container's default is 64 MiB."""
    if size_bytes is None or size_bytes >= needed_bytes:
        return []
    wanted = max(8, -(-2 * needed_bytes // GIB))
    return warning(
        f'shared memory (/dev/shm) is {_gib(size_bytes)}, {_gib(needed_bytes)} are needed: data '
        f'loader workers would die with "Bus error" (in docker: start with --shm-size={wanted}g)',
        f'sudo mount -o remount,size={wanted}G /dev/shm',
    )


def check_open_files(soft: int | None, needed: int = MIN_OPEN_FILES) -> list[Finding]:
    """Every tensor that a worker hands over keeps a file open; ``ulimit -n`` is the soft limit."""
    if soft is None or soft >= needed:
        return []
    return warning(
        f'at most {soft} files may be open (ulimit -n), {needed} are needed: data loader workers '
        'would stop with "Too many open files"',
        f'ulimit -n {max(65536, 2 * needed)}',
    )


def cores() -> int:
    """Cores that this process may use (affinity and the quota of a container)."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    quota = _first_words('/sys/fs/cgroup/cpu.max')
    if len(quota) == 2 and quota[0].isdigit():
        count = min(count, max(1, int(quota[0]) // int(quota[1])))
    return count or 1


def memory_bytes() -> int | None:
    """RAM that this process may use; None where the system does not say."""
    try:
        size = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    except (AttributeError, ValueError, OSError):
        return None
    limit = _first_words('/sys/fs/cgroup/memory.max')
    return min(size, int(limit[0])) if limit and limit[0].isdigit() else size


def shared_bytes() -> int | None:
    """Size of the shared memory in bytes; None where there is no ``/dev/shm``."""
    return shutil.disk_usage(SHARED).total if SHARED.is_dir() else None


def open_files() -> int | None:
    """Largest number of open files (soft limit); None on Windows and where it is unlimited."""
    if sys.platform == 'win32':
        return None
    import resource

    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def _first_words(path: str) -> list[str]:
    try:
        return Path(path).read_text().split()
    except OSError:
        return []


def _gib(size_bytes: int | None) -> str:
    return 'unknown' if size_bytes is None else f'{size_bytes / GIB:.1f} GiB'


def check_paths(pythonpath: str | None, repository: Path) -> list[Finding]:
    """Find folders on ``PYTHONPATH`` whose contents hide an installed package."""
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
    """Find a second albar_mm, installed apart from the one of ``repository``, which is running."""
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
