"""Reading and writing arrays: numbers and text, never a pickle, checked before memory is taken."""

import io
import math
import os
import zipfile
from collections.abc import Collection, Mapping
from typing import IO, Any

import numpy as np

from .files import MIB, open_regular, whole_file, write_bytes

ARRAYS_MIB = 2048  # of arrays that are unpacked in one piece: masks of 1,000 frames of full HD
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npy(path: str | os.PathLike, mmap: bool = False) -> np.ndarray:
    """An array of numbers or text, never a pickle.

    Args:
        path: An ``.npy`` file.
        mmap: Leave it on the disk; only what is used is read.

    Raises:
        DatasetError: It is gone, damaged or of another kind.
    """
    with open_regular(path, what='an array') as stream:
        _check_array(stream, os.fstat(stream.fileno()).st_size)
        stream.seek(0)
        if mmap:
            return np.load(path, mmap_mode='r', allow_pickle=False)
        return np.load(stream, allow_pickle=False)


def array_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of an array in the ``.npy`` format.

    Args:
        stream: Open at its first byte; left where the values begin.

    Raises:
        ValueError: It is no such array.
    """
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f'it has version {version} of the npy format')
    shape, _, dtype = _HEADERS[version](stream)
    return shape, dtype


def _check_array(stream: IO[bytes], size: int) -> None:
    """Check that an array holds as much as its header says, before memory is taken for it."""
    shape, dtype = array_header(stream)
    told, held = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if told != held and not dtype.hasobject:  # which numpy refuses
        raise ValueError(f'its header tells of {told} bytes of values, it holds {held}')


def read_npz(
    path: str | os.PathLike,
    names: Collection[str] | None = None,
    limit_mib: float = ARRAYS_MIB,
) -> dict[str, Any]:
    """Some arrays of an ``.npz`` file: numbers and text, never a pickle.

    Args:
        path: The file.
        names: Which arrays; those that it does not hold are left out. None for all.
        limit_mib: Largest size of these, unpacked, in MiB.

    Returns:
        Name -> array.

    Raises:
        DatasetError: It is gone, damaged or of another kind.
    """
    with open_regular(path, what='arrays') as stream, zipfile.ZipFile(stream) as archive:
        held = {one.filename.removesuffix('.npy'): one for one in archive.infolist()}
        wanted = {name: held[name] for name in names or held if name in held}
        size = sum(one.file_size for one in wanted.values()) / MIB
        if size > limit_mib:
            raise ValueError(f'its arrays take {size:.0f} MiB, at most {limit_mib:g} are expected')
        for member in wanted.values():
            with archive.open(member) as packed:
                _check_array(packed, member.file_size)
        stream.seek(0)
        with np.load(stream, allow_pickle=False) as stored:
            return {name: stored[name] for name in wanted}


def write_npz(path: str | os.PathLike, arrays: Mapping[str, Any], compressed: bool = True) -> None:
    """Write an ``.npz`` file, whole or not at all.

    Args:
        path: The file; its folder is made if absent.
        arrays: Name -> array.
        compressed: Compress it.

    Raises:
        WriteError: It cannot be written.
    """
    content = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(content, **arrays)
    write_bytes(path, content.getvalue())


def write_npy(path: str | os.PathLike, array: np.ndarray) -> None:
    """Write an ``.npy`` file, whole or not at all.

    Args:
        path: The file; its folder is made if absent.
        array: Numbers or text.

    Raises:
        WriteError: It cannot be written.
    """
    with whole_file(path) as part, part.open('wb') as stream:
        np.save(stream, array, allow_pickle=False)
