"""One command at a time in a folder."""

import errno
import fcntl
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import LaunchError, writing

NAME = '.lock'
_RANKS = ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK')
_held: set[str] = set()


@contextmanager
def sole_use(folder: str | os.PathLike, name: str = NAME) -> Iterator[None]:
    """Keep other commands out of a folder, as long as the ``with`` lasts or this process lives.

    The lock is the process's own: it goes when the process ends, however it ends, and its workers
    do not keep it. Of the processes of one run, as those of torchrun, the first takes it. Where a
    file system has no locks, there is none. Within one process, folders can be asked for again.

    Args:
        folder: The folder; it is made if absent.
        name: File in it that says who holds the lock; it is deleted at the end.

    Raises:
        LaunchError: Another process is at work there; says which, and since when.
        WriteError: The folder cannot be made or written to.
    """
    path = Path(folder, name)
    place = os.path.realpath(path)
    if place in _held or int(next(filter(None, map(os.environ.get, _RANKS)), 0)):
        yield
        return
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _lock(path)
    _held.add(place)
    try:
        yield
    finally:
        _held.discard(place)
        path.unlink(missing_ok=True)
        os.close(handle)


def _lock(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                told = os.read(handle, 1000).decode(errors='replace').strip()
                os.close(handle)
                raise LaunchError(
                    f'{path.parent} is in use by {told or "another command"}: wait until it has '
                    'ended, or name another folder'
                ) from error
        # who held it before may have deleted the file that was opened
        if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
            break
        os.close(handle)
    command = ' '.join([os.path.basename(sys.argv[0]), *sys.argv[1:]])[:200]
    since = time.strftime('%Y-%m-%d %H:%M:%S')
    os.ftruncate(handle, 0)
    text = f'{command} (process {os.getpid()} on {socket.gethostname()}, since {since})\n'
    os.pwrite(handle, text.encode(errors='replace'), 0)
    return handle
