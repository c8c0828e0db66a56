"""What goes wrong, said in one line: what, where, and what to do."""

from __future__ import annotations

import contextlib
import errno
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Iterator

_REMEDIES = {
    errno.ENOSPC: 'the disk is full: make room',
    errno.EDQUOT: 'your quota is used up: make room',
    errno.EROFS: 'the disk is read-only: choose another folder',
    errno.EACCES: 'permission denied: change its rights, or choose another folder',
    errno.EPERM: 'permission denied: change its rights, or choose another folder',
    errno.ENAMETOOLONG: 'the name is too long: choose a shorter one',
}


class AlbarError(Exception):
    """Root of all errors of this project; the message is one line: what, where, what to do."""


class DatasetError(AlbarError, RuntimeError):
    """Data cannot be read, made or used."""


class MissingFileError(DatasetError, FileNotFoundError):
    """There is no such file."""


class BadFileError(DatasetError, ValueError):
    """A file does not hold what it should."""


class WriteError(DatasetError, OSError):
    """A file cannot be written; nothing half-written is left."""

    __str__ = BaseException.__str__  # an OSError with a number would not show the message


class BadVideoError(DatasetError):
    """A video cannot be read.

    Args:
        message: The whole sentence.
        video: Path of the file.
        reason: Why, without the path.
    """

    def __init__(self, message: str, video: str = '', reason: str = '') -> None:
        super().__init__(message)
        self.video, self.reason = video, reason

    @classmethod
    def of(cls, video: str, reason: str) -> BadVideoError:
        """The usual sentence.

        Args:
            video: Path of the file.
            reason: Why it cannot be read.
        """
        advice = 'restore the file, or leave the video out'
        return cls(f'video {video} cannot be read: {reason}; {advice}', video, reason)


class CheckpointError(AlbarError, RuntimeError):
    """A checkpoint cannot be loaded safely, or does not fit."""


class DownloadError(CheckpointError):
    """Weights cannot be fetched from their address.

    Args:
        url: The address.
        reason: Why not.
    """

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f'{url} cannot be downloaded ({reason}): fetch it where there is a network, and name '
            'the file in place of the address'
        )
        self.url = url


class LaunchError(AlbarError, RuntimeError):
    """A run could not start or go on."""


class DebiasError(AlbarError, ValueError):
    """A method cannot be mixed into a config."""


class ConfigNotFoundError(AlbarError, FileNotFoundError):
    """A name such as ``albar_mm::albar_sprites.py`` points at no config file."""


# what a file that is damaged, of another kind or too large makes its parsers raise
DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    SyntaxError,
    MemoryError,
    RuntimeError,  # RecursionError among them
    ArithmeticError,
    AttributeError,
    pickle.PickleError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def reason_of(error: BaseException) -> str:
    """Why something failed, on one line of at most 200 characters.

    Args:
        error: Any exception; of an ``OSError`` only what the system says.
    """
    if isinstance(error, MemoryError):
        return 'it does not fit into memory'
    if isinstance(error, RecursionError):
        return 'it is nested too deeply'
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = ' '.join(text.split())
    if 'allow_pickle' in text:
        return 'it holds Python objects, which may run anything and are not loaded'
    return (text if len(text) <= 200 else text[:199] + '…') or type(error).__name__


@contextlib.contextmanager
def reading(path: str | os.PathLike, what: str = '') -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into one error that names the file.

    Args:
        path: The file.
        what: What it should be, as ``'JSON'``.

    Raises:
        MissingFileError: There is no such file.
        BadFileError: It cannot be read.
    """
    try:
        yield
    except AlbarError:
        raise
    except FileNotFoundError as error:
        raise MissingFileError(f'{path}: no such file') from error
    except DAMAGE as error:
        kind = f' as {what}' if what else ''
        raise BadFileError(f'{path}: cannot be read{kind}: {reason_of(error)}') from error


@contextlib.contextmanager
def writing(path: str | os.PathLike) -> Iterator[None]:
    """Turn an ``OSError`` while a file is written into one that names the file and the way out.

    Args:
        path: The file.

    Raises:
        WriteError: It cannot be written.
    """
    try:
        yield
    except AlbarError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from error


def remedy_of(error: OSError, written: bool = True) -> str:
    """What is wrong with a disk and what to do, e.g. ``'the disk is full: make room'``.

    Args:
        error: What the system said.
        written: A file was to be written; else perhaps to be read.

    Returns:
        The sentence; '' where the disk is not the cause.
    """
    if error.errno in (errno.EACCES, errno.EPERM) and not written:
        return 'permission denied: change its rights'
    return _REMEDIES.get(error.errno or 0, '')


def absence(path: str | os.PathLike, folder: bool = False) -> str:
    """Why a path is no file, or no folder, in words; '' if it is one.

    Args:
        path: The path.
        folder: A folder is expected.
    """
    if os.path.isdir(path):
        return '' if folder else 'is a folder, not a file'
    if os.path.isfile(path):
        return 'is a file, not a folder' if folder else ''
    if os.path.exists(path):
        return f'is a pipe or a device, not a {"folder" if folder else "file"}'
    if os.path.islink(path):
        return f'is a link to {os.readlink(path)}, which is not there'
    return f'no such {"folder" if folder else "file"}'


def cannot_write(path: str | os.PathLike, error: OSError) -> WriteError:
    """The error for a file that cannot be written.

    Args:
        path: The file.
        error: What the system said.
    """
    remedy = remedy_of(error) or f'{reason_of(error)}; free space or choose another folder'
    made = WriteError(f'{path}: cannot be written: {remedy}, then run again')
    made.errno, made.filename = error.errno, os.fspath(path)
    return made


def one_line(error: BaseException) -> str:
    """Text of an error on a single line, for a terminal.

    Args:
        error: Any exception; of one that a data loader's worker process passed on, only the
            original line is kept.

    Returns:
        ``Type: text``, or the text alone for errors whose text speaks for itself.
    """
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if 'Original Traceback' in text:
        last = text.strip().splitlines()[-1]
        return last.split(': ', 1)[-1] if isinstance(error, AlbarError) else last
    text = ' '.join(text.split())
    if not text or not isinstance(error, (AlbarError, FileNotFoundError)):
        text = f'{type(error).__name__}: {text}'.rstrip(': ')
    return text
