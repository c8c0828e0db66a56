"""One command at a time in a folder."""

import errno
import fcntl
import functools
import inspect
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from .errors import LaunchError

_RANKS = ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK')
_held: set[str] = set()
_Arguments, _Result = ParamSpec('_Arguments'), TypeVar('_Result')


@contextmanager
def sole_use(place: str | os.PathLike, is_file: bool = False) -> Iterator[None]:
    """Keep other commands out of a folder, as long as the ``with`` lasts or this process lives.

    A file ``.lock`` in it (``.<file>.lock`` beside a file) says who is at work; it is deleted at
    the end, and the folder too if nothing else came to be in it.

    The lock is the process's own: it goes when the process ends, however it ends, and its workers
    do not keep it. Of the processes of one run, as those of torchrun, the first takes it. Within
    one process, a folder can be asked for again. Where a file system has no locks, or nothing can
    be written, there is none: whoever writes there says so.

    Args:
        place: The folder, or the file that is to be made; folders are made if absent.
        is_file: It is a file.

    Raises:
        LaunchError: Another process is at work there; says which, and since when.
    """
    place = Path(place)
    path = place.with_name(f'.{place.name}.lock') if is_file else place / '.lock'
    real = os.path.realpath(path)
    if real in _held or int(next(filter(None, map(os.environ.get, _RANKS)), 0)):
        yield
        return
    made, handle = not path.parent.exists(), -1
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _lock(path)
    _held.add(real)
    try:
        yield
    finally:
        _held.discard(real)
        with suppress(OSError):
            if handle >= 0:
                path.unlink()
                os.close(handle)
            if made:
                path.parent.rmdir()


def sole_user_of(
    argument: str, is_file: bool = False
) -> Callable[[Callable[_Arguments, _Result]], Callable[_Arguments, _Result]]:
    """Make a function the :func:`sole_use` of the folder that one of its arguments names.

    Args:
        argument: Name of the argument.
        is_file: It names a file.
    """

    def decorate(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def alone(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
            with sole_use(signature.bind(*args, **kwargs).arguments[argument], is_file):
                return function(*args, **kwargs)

        return alone

    return decorate


def _lock(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            told = os.read(handle, 1000).decode(errors='replace').strip()
            os.close(handle)
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise
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
