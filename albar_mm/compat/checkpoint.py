"""Loading checkpoints as data, never as code (used by :mod:`albar_mm.compat` only).

``torch.load(weights_only=True)`` refuses the files that mmengine writes, because they hold its
``HistoryBuffer`` (numpy arrays and a table of its methods, pickled as ``builtins.getattr`` calls).
Putting the real objects on PyTorch's allow-list would open the door again, as ``getattr`` reaches
any attribute of anything. So each such global is answered by a stand-in
(:mod:`albar_mm.utils.safe_pickle`) that accepts only what these files need.
"""

import logging
import os
import pickle
import re
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import IO, Any
from urllib.parse import urlsplit

import torch
from mmengine.logging import HistoryBuffer, print_log
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

from ..utils.errors import BadFileError, CheckpointError, DownloadError, reason_of, remedy_of
from ..utils.files import open_regular
from ..utils.safe_pickle import STAND_INS, Array, finished, refuse

_HISTORY_FIELDS = {'max_length', '_log_history', '_count_history', 'statistics_methods'}
_HISTORY_METHODS = ('min', 'max', 'current', 'mean')
_ANNEALING = ('_annealing_cos', '_annealing_linear')
SILENCE_S = 30.0
_LOCK = threading.Lock()
_WRAPPED = re.compile(r'^(?:module\.|_orig_mod\.)+|(?<=\.)_orig_mod\.')
# what a damaged file makes the unpickler raise
_DAMAGE = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
)


class _History(HistoryBuffer):
    """Stands in for mmengine's ``HistoryBuffer`` while its state is checked."""

    def __setstate__(self, state: dict) -> None:
        if not isinstance(state, dict) or not state.keys() <= _HISTORY_FIELDS:
            refuse('a HistoryBuffer with unknown fields')
        log, count = state.get('_log_history'), state.get('_count_history')
        if not isinstance(log, Array) or not isinstance(count, Array):
            refuse('a HistoryBuffer without its two arrays')
        if type(state.get('max_length')) is not int:
            refuse('a HistoryBuffer without max_length')
        # the table of functions comes from the running code, not from the file
        self._set_default_statistics()
        self.__dict__.update(
            max_length=state['max_length'], _log_history=log.value, _count_history=count.value
        )
        self.__class__ = HistoryBuffer


class _OneCycle:
    """Stands in for ``OneCycleParamScheduler`` as the owner of its two annealing functions."""

    def __new__(cls, *args: object) -> '_OneCycle':
        refuse('an instance of OneCycleParamScheduler')


def _attribute(owner: object, name: object) -> Callable:
    """Stands in for ``builtins.getattr``: six named functions of mmengine and nothing else."""
    if owner is _History and name in _HISTORY_METHODS:
        return getattr(HistoryBuffer, name)
    if owner is _OneCycle and name in _ANNEALING:
        return getattr(OneCycleParamScheduler, name)
    refuse(f'builtins.getattr({getattr(owner, "__name__", owner)!r}, {name!r})')


_STAND_INS = [
    (_attribute, 'builtins.getattr'),
    (_History, 'mmengine.logging.history_buffer.HistoryBuffer'),
    (_OneCycle, 'mmengine.optim.scheduler.param_scheduler.OneCycleParamScheduler'),
    *((stand_in, name) for name, stand_in in STAND_INS.items()),
]


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Put the stand-ins on PyTorch's allow-list, *before* equal names that a user has put there."""
    ours = {name for _, name in _STAND_INS}

    def name_of(entry: object) -> str:
        if isinstance(entry, tuple):
            return entry[1]
        return f'{entry.__module__}.{entry.__qualname__}'

    with _LOCK:
        before = torch.serialization.get_safe_globals()
        torch.serialization.clear_safe_globals()
        try:
            others = [entry for entry in before if name_of(entry) not in ours]
            torch.serialization.add_safe_globals(others + _STAND_INS)
            yield
        finally:
            torch.serialization.clear_safe_globals()
            torch.serialization.add_safe_globals(before)


def _reason(error: Exception, name: str) -> str:
    text = str(error)
    asked = re.search(r'nsupported (?:global: )?GLOBAL (\S+)', text)
    refused = re.search(r'refused: ([^\n]+)', text)
    if asked or refused:
        what = f'the global {asked[1]}' if asked else refused[1].strip()
        return (
            f'{name} asks for {what}, which is neither weights nor training state of MMEngine, so '
            'it was not loaded. Ask its author for a file with the weights only '
            "(torch.save({'state_dict': model.state_dict()}, path)); if you wrote it yourself, "
            'allow your own class with torch.serialization.add_safe_globals([...]) first'
        )
    # torch.load puts the unpickler's sentence after advice to load the file as code
    inner = re.search(r'WeightsUnpickler error:\s*([^\n]+)', text)
    first = inner[1] if inner else text.partition('\n')[0]
    if 'safetensors is not installed' in text:
        return f'{name} is read with safetensors, which is not installed: pip install safetensors'
    return (
        f'{name} cannot be read as a PyTorch checkpoint ({type(error).__name__}: {first}). It is '
        'damaged or of another kind: write or download it again'
    )


def _load_as_data(load: Callable[[], Any], name: str) -> Any:
    try:
        with _stand_ins():
            loaded = load()
        loaded = finished(loaded)
    except (*_DAMAGE, OSError) as error:
        # the machine or the network, not the file
        remote = isinstance(error, OSError) and '://' in name
        if remote or (isinstance(error, RuntimeError) and 'CUDA' in str(error)):
            raise
        raise CheckpointError(_reason(error, name)) from None
    if isinstance(loaded, dict):
        _unwrap_names(loaded.get('state_dict', loaded))
    return _without_code(loaded, name)


def _unwrap_names(state: Any) -> None:
    """Name weights as the bare model does, in place: without ``module.`` and ``_orig_mod.``.

    DistributedDataParallel and ``torch.compile`` put these before names; MMEngine knows the first.
    """
    if not isinstance(state, dict) or not any(_WRAPPED.search(str(name)) for name in state):
        return
    bare = {
        _WRAPPED.sub('', name) if isinstance(name, str) else name: v for name, v in state.items()
    }
    if len(bare) == len(state):  # else it holds two models, which stay apart
        state.clear()
        state.update(bare)


def safe_load(
    file: str | os.PathLike | IO[bytes],
    map_location: Any = None,
    **kwargs: Any,
) -> Any:
    """``torch.load(weights_only=True)`` that also reads the files written by MMEngine.

    Args:
        file: Path or binary file object of a checkpoint.
        map_location: As for :func:`torch.load`.
        kwargs: Further arguments of :func:`torch.load`; ``weights_only`` is ignored.

    Returns:
        What was saved, with real numpy arrays and ``HistoryBuffer`` objects.

    Raises:
        CheckpointError: The file is damaged or asks for a global outside the allow-list; the
            message names the file and the global.
        MissingFileError: There is no such file.
    """
    kwargs['weights_only'] = True
    name = os.fspath(file) if isinstance(file, (str, os.PathLike)) else 'the checkpoint'
    if isinstance(file, (str, os.PathLike)):
        _check_file(file)
    return _load_as_data(lambda: torch.load(file, map_location=map_location, **kwargs), str(name))


def _check_file(path: str | os.PathLike) -> None:
    """Refuse what is no regular file, and records that would unpack to any size."""
    try:
        with open_regular(path, what='a checkpoint') as stream:
            if not zipfile.is_zipfile(stream):
                return
            with zipfile.ZipFile(stream) as archive:
                if any(record.compress_type for record in archive.infolist()):
                    raise ValueError('its records are compressed, as torch.save writes none')
    except BadFileError as error:
        raise CheckpointError(str(error)) from error


def load_weights(file: str | os.PathLike | IO[bytes], *args: Any, **kwargs: Any) -> dict:
    """:func:`safe_load` of what MMEngine takes for a checkpoint: a state dict, or a dict with one.

    Raises:
        CheckpointError: Also for what holds none.
    """
    loaded = safe_load(file, *args, **kwargs)
    state = loaded.get('state_dict', loaded) if isinstance(loaded, dict) else loaded
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        held = 'other keys' if isinstance(state, dict) else f'a {type(state).__name__}'
        raise CheckpointError(
            f'{file} holds no weights by their names, but {held}: expected what '
            'a training wrote (epoch_<n>.pth), or the state_dict of a model'
        )
    return loaded


def safe_load_url(url: str, model_dir: str | None = None, *args: Any, **kwargs: Any) -> Any:
    """:func:`torch.hub.load_state_dict_from_url` with the rules of :func:`safe_load`.

    A server that sends nothing for :data:`SILENCE_S` seconds is given up; PyTorch would wait.

    Raises:
        CheckpointError: As :func:`safe_load`.
        DownloadError: The server cannot be reached, or does not have the file.
    """
    kwargs['weights_only'] = True
    kept = os.path.join(
        model_dir or os.path.join(torch.hub.get_dir(), 'checkpoints'),
        os.path.basename(urlsplit(url).path),
    )
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE_S)
    try:
        return _load_as_data(
            lambda: torch.hub.load_state_dict_from_url(url, model_dir, *args, **kwargs), url
        )
    except (OSError, HTTPException) as error:
        if isinstance(error, OSError) and remedy_of(error):  # the disk
            raise
        inner = getattr(error, 'reason', None)  # in a URLError what the system said
        why = reason_of(inner if isinstance(inner, OSError) else error)
        raise DownloadError(url, why) from error
    except CheckpointError as error:
        # a transfer that broke off leaves what came, and every later run would find it
        raise CheckpointError(f'{error}; the downloaded file is {kept}: delete it first') from error
    finally:
        socket.setdefaulttimeout(before)


def _without_code(loaded: Any, name: str) -> Any:
    """Drop ``meta['config']``: ``Runner.resume`` would *execute* that text as a Python config.

    MMEngine 0.10.7 itself writes ``meta['cfg']`` and never reads it.
    """
    meta = loaded.get('meta') if isinstance(loaded, dict) else None
    if isinstance(meta, dict) and 'config' in meta:
        meta.pop('config')
        print_log(
            f"{name}: the entry meta['config'] was ignored (Runner.resume would execute it)",
            logger='current',
            level=logging.WARNING,
        )
    return loaded
