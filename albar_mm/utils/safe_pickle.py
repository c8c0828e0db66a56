"""Pickles of unknown origin as data: containers and plain arrays, nothing that runs.

A pickle is a program that can call anything by name. Here each name that data needs is answered by
a *stand-in* that takes only what data needs; all other names are refused. numpy's own names will
not do: ``numpy.dtype.__setstate__`` believes flags that make it read bytes of the file as object
pointers. :func:`finished` turns the stand-ins into arrays after the file is closed. Checkpoints
(:mod:`albar_mm.compat.checkpoint`) are read with the same ones.
"""

import collections
import math
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from .arrays import array_header
from .errors import BadFileError, DatasetError
from .files import open_regular

_PLAIN_DTYPE = re.compile(r'[biuf](?:1|2|4|8|16)|c(?:8|16|32)|[SU]\d{1,9}')


def refuse(what: str) -> None:
    """Stop reading a pickle.

    Raises:
        UnpicklingError: Always.
    """
    # torch.load passes on the text of this class of error, and of no other
    raise pickle.UnpicklingError(f'refused: {what}')


class Dtype:
    """Stands in for ``numpy.dtype``: plain numbers and text of a fixed width only.

    Args:
        code: Kind and size, as ``'f8'``.
    """

    __hash__ = None  # no key of a dict and no element of a set, where it would not be replaced

    def __init__(self, code: str = '', align: bool = False, copy: bool = False) -> None:
        if not isinstance(code, str) or not _PLAIN_DTYPE.fullmatch(code):
            refuse(f'numpy.dtype({code!r})')
        self.value = np.dtype(code)

    def __setstate__(self, state: tuple) -> None:
        # (version, byte order, sub-array, names, fields, item size, alignment, flags): the fields
        # and flags of a structured type could make numpy take bytes for pointers
        if not isinstance(state, tuple) or len(state) < 8 or state[1] not in ('<', '>', '|', '='):
            refuse('a damaged numpy.dtype')
        if any(part is not None for part in state[2:5]):
            refuse('a structured numpy.dtype')
        self.value = self.value.newbyteorder(state[1])


class Array:
    """Stands in for ``numpy.ndarray``."""

    value: np.ndarray
    __hash__ = None

    def __setstate__(self, state: tuple) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            refuse('a damaged numpy array')
        _, shape, dtype, fortran, data = state
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
            refuse(f'a numpy array of shape {shape!r:.60}')
        self.value = self._flat(dtype, data, shape).reshape(shape, order='F' if fortran else 'C')

    def _flat(self, dtype: Any, data: Any, shape: tuple[int, ...]) -> np.ndarray:
        if isinstance(data, str):  # how bytes of Python 2 are read
            data = data.encode('latin1')
        if not isinstance(dtype, Dtype) or dtype.value.hasobject or not isinstance(data, bytes):
            refuse('a numpy array of Python objects')
        if len(data) != math.prod(shape) * dtype.value.itemsize:
            refuse(f'a numpy array of shape {shape} and {len(data)} bytes')
        return np.frombuffer(bytearray(data), dtype.value) if data else np.empty(0, dtype.value)


class _Function:
    """A function that a pickle may call; as a plain one, a pickle could set its attributes."""

    __slots__ = ('_function',)

    def __init__(self, function: Callable) -> None:
        self._function = function

    def __call__(self, *args: object) -> Any:
        return self._function(*args)

    def __setstate__(self, state: object) -> None:
        refuse('a change of a function')


@_Function
def _new_array(kind: object, shape: object = (0,), code: object = b'b') -> Array:
    if kind is not Array:
        refuse(f'numpy array of kind {kind!r:.60}')
    return Array()


@_Function
def _new_scalar(dtype: Dtype, data: bytes) -> np.generic:
    if isinstance(data, str):
        data = data.encode('latin1')
    if not isinstance(dtype, Dtype) or dtype.value.hasobject or not isinstance(data, bytes):
        refuse('a numpy scalar that holds a Python object')
    if not dtype.value.itemsize or len(data) != dtype.value.itemsize:
        refuse(f'a numpy scalar of {dtype.value} and {len(data)} bytes')
    return np.frombuffer(data, dtype.value)[0]


@_Function
def _from_buffer(data: bytes, dtype: Dtype, shape: tuple, order: str) -> Array:
    if not isinstance(data, bytes | bytearray):
        refuse('a numpy array without bytes')
    array = Array()
    array.__setstate__((1, shape, dtype, order == 'F', bytes(data)))
    return array


@_Function
def _no_bytes(*args: object) -> bytes:
    """Python 3 writes ``b''`` so, as the values of an empty array, up to protocol 2."""
    if args:
        refuse(f'builtins.bytes{args!r:.60}')
    return b''


@_Function
def _encode(text: str, encoding: str = 'latin1') -> bytes:
    if not isinstance(text, str) or encoding != 'latin1':
        refuse('text in an unusual encoding')
    return text.encode('latin1')


STAND_INS: dict[str, Any] = {
    'builtins.bytes': _no_bytes,
    'numpy.dtype': Dtype,
    'numpy.ndarray': Array,
}
"""Global name -> what answers it, in pickles of any kind."""
_NAMES = {'_codecs.encode': _encode, 'collections.OrderedDict': collections.OrderedDict}
for _module in ('numpy.core', 'numpy._core'):  # numpy 1 and numpy 2 files
    STAND_INS[f'{_module}.multiarray._reconstruct'] = _new_array
    STAND_INS[f'{_module}.multiarray.scalar'] = _new_scalar
    _NAMES[f'{_module}.numeric._frombuffer'] = _from_buffer
for _module in ('builtins', '__builtin__'):
    _NAMES |= {f'{_module}.{kind.__name__}': kind for kind in (set, frozenset, list, dict, tuple)}
_NAMES |= {'__builtin__.bytes': _no_bytes, **STAND_INS}


class _AnyDtype(Dtype):
    def __init__(self, code: str = '', align: bool = False, copy: bool = False) -> None:
        if code in ('O', 'O8'):
            self.value = np.dtype(object)
        else:
            super().__init__(code)


class _AnyArray(Array):
    def _flat(self, dtype: Any, data: Any, shape: tuple[int, ...]) -> np.ndarray:
        if not isinstance(dtype, Dtype) or not dtype.value.hasobject:
            return super()._flat(dtype, data, shape)
        # numpy reads as many objects as the shape says, however many there are
        if not isinstance(data, list) or len(data) != math.prod(shape):
            refuse('an array of objects whose shape is wrong')
        flat = np.empty(len(data), object)
        flat[:] = data
        return flat


_NAMES_OF_OBJECT_ARRAYS = {
    **_NAMES,
    'numpy.dtype': _AnyDtype,
    **{name: _Function(lambda *_: _AnyArray()) for name in _NAMES if name.endswith('_reconstruct')},
}
"""A dict in an ``.npy`` file is an array of one object, without a dimension."""


def finished(value: Any, done: dict[int, Any] | None = None) -> Any:
    """Replace stand-ins by what they hold, in nested dicts and lists (in place) and tuples.

    Args:
        value: What was loaded.
        done: Containers that were visited, by id.

    Raises:
        UnpicklingError: An array was left without content.
    """
    done = {} if done is None else done
    if isinstance(value, Array | Dtype):
        if not hasattr(value, 'value'):
            refuse('a numpy array without content')
        if isinstance(value, Array) and value.value.dtype.hasobject:
            flat = value.value.ravel()
            flat[:] = finished(list(flat), done)
            return flat.reshape(value.value.shape)
        return value.value
    if not isinstance(value, dict | list) and type(value) is not tuple:
        return value
    if id(value) in done:
        return done[id(value)]
    done[id(value)] = value
    if isinstance(value, dict):
        for key in value:
            value[key] = finished(value[key], done)
    elif isinstance(value, list):
        value[:] = [finished(item, done) for item in value]
    elif any(isinstance(item, Array | Dtype | dict | list | tuple) for item in value):
        done[id(value)] = value = tuple(finished(item, done) for item in value)
    return value


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: IO[bytes], path: Path, names: dict[str, Any]) -> None:
        super().__init__(stream, encoding='latin1')  # of Python 2 or 3
        self._path, self._names = path, names

    def find_class(self, module: str, name: str) -> Any:
        if f'{module}.{name}' not in self._names:
            raise DatasetError(
                f'{self._path}: the pickle asks for {module}.{name}, which annotations do not '
                'need; it is not loaded: get the file from its authors'
            )
        return self._names[f'{module}.{name}']

    def persistent_load(self, pid: object) -> None:
        raise DatasetError(f'{self._path}: the pickle asks for an object outside of it')


def load_restricted(path: str | os.PathLike, what: str = 'boxes') -> Any:
    """Load a pickle, or the pickled object in an ``.npy`` file, as data.

    Args:
        path: The file; Python 2 wrote it or Python 3.
        what: What it should hold, for messages.

    Returns:
        Containers, numbers, text and arrays of bool, numbers or text.

    Raises:
        DatasetError: It asks for any global that could run something, which is named; or it is
            broken.
    """
    path = Path(path)
    with open_regular(path, what=f'a pickle of {what}') as stream:
        if path.suffix.lower() != '.npy':
            return finished(_Unpickler(stream, path, _NAMES).load())
        shape, dtype = array_header(stream)
        if dtype.kind != 'O' or math.prod(shape) != 1:
            raise BadFileError(
                f'{path}: holds an array {shape} of {dtype}; expected one object (a dict of '
                'videos) saved with numpy.save'
            )
        array = finished(_Unpickler(stream, path, _NAMES_OF_OBJECT_ARRAYS).load())
        if not isinstance(array, np.ndarray) or array.shape != ():
            raise ValueError(f'expected one object, got {array!r:.60}')
        return array.item()
