"""Reading checkpoints: which is the latest, what it holds, and whether it fits a model."""

import glob
import os
import os.path as osp
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner, load_checkpoint
from torch import Tensor, nn

from ...compat import safe_load
from ...utils.errors import CheckpointError, LaunchError
from ...utils.files import read_text
from ...utils.text import name_some

POINTER = 'last_checkpoint'
"""File of a work folder in which MMEngine names the latest checkpoint."""


def last_checkpoint(work_dir: str | os.PathLike, needed: bool = True) -> str | None:
    """Path or address of the latest checkpoint of a training.

    Args:
        work_dir: Its work folder.
        needed: Raise where no checkpoint was finished; else None is returned.

    Raises:
        LaunchError: There is none, or the one that the folder names was removed or moved.
    """
    pointer = osp.join(work_dir, POINTER)
    if not osp.isfile(pointer):
        if needed:
            raise LaunchError(f'{work_dir} holds no {POINTER}: no training finished an epoch there')
        return None
    named = read_text(pointer).strip()
    if '://' in named or osp.exists(named):
        return named
    there = sorted(glob.glob(osp.join(glob.escape(str(work_dir)), 'epoch_*.pth')), key=osp.getmtime)
    newest = f' (the newest in its folder is {there[-1]})' if there else ''
    raise LaunchError(
        f'{pointer} names {named or "nothing"}, which is not there: say which checkpoint to go on '
        f'from with --resume <checkpoint>{newest}, or delete {pointer} to start anew'
    )


def bare_model(runner: Runner) -> nn.Module:
    """The model of a run without what wraps it for several processes."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def saved_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers of a model that its checkpoints hold, by name."""
    return {
        name: value
        for name, value in model.state_dict().items()
        if isinstance(value, Tensor) and not name.endswith('num_batches_tracked')
    }


def state_of(loaded: Any) -> Mapping[str, Any]:
    """The state dict in a loaded checkpoint; empty if it holds none.

    Args:
        loaded: What :func:`~albar_mm.compat.safe_load` returned.
    """
    state = loaded.get('state_dict', loaded) if isinstance(loaded, Mapping) else {}
    return state if isinstance(state, Mapping) else {}


def misfits(wanted: Mapping[str, Tensor], given: Mapping[str, Any]) -> dict[str, str]:
    """Which tensors a checkpoint would leave as they are, and why.

    Args:
        wanted: Name -> tensor of the model.
        given: State dict of the checkpoint.
    """
    wrong = {}
    for name, tensor in wanted.items():
        value = given.get(name)
        if value is None:
            wrong[name] = _missing(name, given)
        elif not isinstance(value, Tensor):
            wrong[name] = f'saved as {type(value).__module__}.{type(value).__name__}, not a tensor'
        elif value.layout is not torch.strided or value.is_quantized:
            wrong[name] = 'saved as a sparse or quantised tensor; a dense one is expected'
        elif value.shape != tensor.shape:
            wrong[name] = f'of shape {tuple(value.shape)}, not {tuple(tensor.shape)}'
    return wrong


def _missing(name: str, given: Mapping[str, Any]) -> str:
    """Why a name is missing: perhaps the file has it behind a prefix, as averaged weights do."""
    longer = next((key for key in given if str(key).endswith(f'.{name}')), None)
    if longer:
        return f'missing; the file calls it {longer}: save its weights without that prefix'
    if given and not any(isinstance(value, Tensor) for value in given.values()):
        return f'missing; the file has no state_dict, it holds {name_some(map(str, given))}'
    return 'missing'


def uncopied(wanted: Mapping[str, Tensor], given: Mapping[str, Any]) -> list[str]:
    """Names of tensors that were to be loaded and hold other values than the file.

    Args:
        wanted: Name -> tensor of the model.
        given: State dict of the checkpoint, with tensors of the same names and shapes.
    """

    def plain(value: Tensor, like: Tensor) -> Tensor:
        return value.to('cpu', like.dtype).nan_to_num()

    return [
        name
        for name, value in wanted.items()
        if not torch.equal(plain(value, value), plain(given[name], value))
    ]


def unfilled(
    model: nn.Module, given: Mapping[str, Any], optional: str = '', copied: bool = True
) -> str:
    """What of a model a checkpoint does not fill, in words; '' for nothing.

    Args:
        model: The model.
        given: State dict of the checkpoint.
        optional: Tensors whose name begins so need not be in the checkpoint.
        copied: It was loaded: values are compared, too.
    """
    wanted = {
        name: value
        for name, value in saved_tensors(model).items()
        if not (optional and name.startswith(optional))
    }
    wrong = misfits(wanted, given)
    if copied and not wrong:
        wrong = dict.fromkeys(uncopied(wanted, given), 'other values than in the file')
    if not wrong:
        return ''
    name, why = next(iter(wrong.items()))
    return f'{len(wrong)} of its {len(wanted)} tensors did not arrive, as {name} ({why})'


def require_checkpoint(checkpoint: str | os.PathLike) -> str:
    """Path of a checkpoint that is there, or its address.

    Args:
        checkpoint: File or address.

    Raises:
        LaunchError: There is no such file.
    """
    path = os.fspath(checkpoint)
    if '://' not in path and not osp.isfile(path):
        kind = 'is a folder, not a file' if osp.isdir(path) else 'no such file'
        raise LaunchError(
            f'checkpoint {path}: {kind}; the current folder is {os.getcwd()}, and a training '
            'writes epoch_<n>.pth and best_*.pth to its work folder'
        )
    return path


def load_weights(
    model: nn.Module, checkpoint: str | os.PathLike, name: str, optional: str = ''
) -> None:
    """Load a checkpoint, as data, into a model: every parameter and buffer, or none is used.

    Args:
        model: The model.
        checkpoint: File or address.
        name: Of its config, for messages.
        optional: Tensors whose name begins so need not be there.

    Raises:
        LaunchError: It is not there, or does not fit.
        CheckpointError: It is damaged, or asks to run something.
    """
    path = require_checkpoint(checkpoint)
    given = load_checkpoint(model, path, map_location='cpu', logger='silent')
    fault = unfilled(model, state_of(given), optional)
    if fault:
        raise LaunchError(
            f'checkpoint {path} does not fit the model of {name}: {fault}: use the config that it '
            'was trained with'
        )


def load_source(source: Path, target: Path) -> Any:
    """Load a checkpoint that another is to be made of, as data.

    Args:
        source: The checkpoint.
        target: File that is to be written.

    Raises:
        CheckpointError: ``source`` is not there, damaged, holds code, or is ``target`` itself.
    """
    if target.exists() and source.exists() and osp.samefile(source, target):
        raise CheckpointError(f'{target} is the checkpoint itself: name another file to write')
    if not source.is_file():
        raise CheckpointError(f'{source}: no such checkpoint file')
    return safe_load(source, map_location='cpu')
