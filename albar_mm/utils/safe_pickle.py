"""Reading a pickle of unknown origin as data: containers and plain arrays, nothing that runs."""

from __future__ import annotations

import collections
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np

from .errors import DatasetError

_PLAIN_DTYPE = re.compile(r'[<>=|]?[biufcSU]\d+')
_MULTIARRAY = ('numpy.core.multiarray', 'numpy._core.multiarray')


def load_restricted(path: Path, what: str = 'boxes') -> Any:  # noqa: ANN401
    """Load a pickle that may hold only containers, numbers, text and arrays of those.

    A pickle is a program that can call anything by name. Here only the names that rebuild
    containers and numpy arrays are known; of arrays, only those of bool, numbers or text.

    Args:
        path: The file; Python 2 wrote it or Python 3.
        what: What it should hold, for messages.

    Returns:
        Its content.

    Raises:
        DatasetError: It asks for any other global, which is named; or it is broken.
    """
    try:
        with path.open('rb') as stream:
            return RestrictedUnpickler(stream, path).load()
    except DatasetError:
        raise
    except Exception as error:  # a broken pickle can raise nearly anything
        text = ' '.join(str(error).split())[:200] or type(error).__name__
        raise DatasetError(f'{path}: cannot be read as a pickle of {what}: {text}') from error


class RestrictedUnpickler(pickle.Unpickler):
    """Knows the names that rebuild containers and plain arrays; every other one is refused.

    Args:
        stream: The pickle, opened as bytes.
        path: Its file, for messages.
    """

    def __init__(self, stream: Any, path: Path) -> None:  # noqa: ANN401
        super().__init__(stream, encoding='latin1')
        self._path = path

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        allowed = _ALLOWED.get((module, name))
        if allowed is None:
            raise DatasetError(
                f'{self._path}: the pickle asks for {module}.{name}, which annotations do not '
                'need; it is not loaded: get the file from its authors'
            )
        return allowed

    def persistent_load(self, pid: Any) -> Any:  # noqa: ANN401
        raise DatasetError(f'{self._path}: the pickle asks for an object outside of it')


# Instances of classes without attributes stand for the functions: a pickle can set attributes of
# what it is given, and a function keeps its defaults there.
class _Dtype:
    __slots__ = ()

    def __call__(self, code: Any, *_: Any) -> _BuiltDtype:  # noqa: ANN401
        if not isinstance(code, str) or not _PLAIN_DTYPE.fullmatch(code):
            raise ValueError(f'it holds an array of type {code!r}')
        return _BuiltDtype(np.dtype(code))


class _BuiltDtype:
    """A dtype whose state can be set to a byte order and nothing else."""

    __slots__ = ('dtype',)

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype

    def __setstate__(self, state: tuple) -> None:
        _, order, subarray, names, members = state[:5]
        if (subarray, names, members) != (None, None, None):
            raise ValueError('it holds an array of structures')
        self.dtype = self.dtype.newbyteorder(order)


class PlainArray(np.ndarray):
    """An array whose values are set as bytes of a plain dtype."""

    def __setstate__(self, state: tuple) -> None:
        version, shape, built, fortran, raw = state
        super().__setstate__((version, shape, built.dtype, fortran, raw))


class _Scalar:
    __slots__ = ()

    def __call__(self, built: _BuiltDtype, value: Any = b'') -> Any:  # noqa: ANN401
        raw = value.encode('latin1') if isinstance(value, str) else bytes(value)
        if len(raw) != built.dtype.itemsize:
            raise ValueError(f'it holds a {built.dtype} of {len(raw)} bytes')
        return np.frombuffer(raw, built.dtype)[0] if raw else built.dtype.type()


class _EmptyArray:
    __slots__ = ()

    def __call__(self, *_: Any) -> np.ndarray:  # noqa: ANN401
        return PlainArray(0, np.int8)


class _Encode:
    __slots__ = ()

    def __call__(self, text: Any, encoding: Any = 'latin1') -> bytes:  # noqa: ANN401
        if not isinstance(text, str) or encoding != 'latin1':
            raise ValueError('it holds text in an unusual encoding')
        return text.encode('latin1')


class _EmptyBytes:
    """How Python 3 writes ``b''``, e.g. the values of an empty array, up to protocol 2."""

    __slots__ = ()

    def __call__(self) -> bytes:
        return b''


class _Buffer:
    __slots__ = ()

    def __call__(self, raw: Any, built: _BuiltDtype, shape: Any, order: Any) -> np.ndarray:  # noqa: ANN401
        return np.frombuffer(bytes(raw), built.dtype).reshape(shape, order=order)


class _Name:
    """Stands for a class that is named but never called."""

    __slots__ = ()


_ALLOWED: dict[tuple[str, str], Any] = {
    ('numpy', 'dtype'): _Dtype(),
    ('numpy', 'ndarray'): _Name(),
    ('_codecs', 'encode'): _Encode(),
    ('collections', 'OrderedDict'): collections.OrderedDict,
    ('numpy.core.numeric', '_frombuffer'): _Buffer(),
    ('numpy._core.numeric', '_frombuffer'): _Buffer(),
}
for _module in _MULTIARRAY:
    _ALLOWED[_module, 'scalar'] = _Scalar()
    _ALLOWED[_module, '_reconstruct'] = _EmptyArray()
for _module in ('builtins', '__builtin__'):
    _ALLOWED[_module, 'bytes'] = _EmptyBytes()
    for _type in (set, frozenset, list, dict, tuple, bytearray):
        _ALLOWED[_module, _type.__name__] = _type
