"""Reading checkpoints: which is the latest, what it holds, and whether it fits a model."""

import glob
import os
import os.path as osp
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from ...compat import safe_load
from ...utils.errors import CheckpointError, LaunchError
from ...utils.files import read_text

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


def require_checkpoint(checkpoint: str | os.PathLike) -> str:
    """Path of a checkpoint that is there, or its address.

    Args:
        checkpoint: File or address.

    Raises:
        LaunchError: There is no such file.
    """
    path = os.fspath(checkpoint)
    if '://' not in path and not osp.isfile(path):
        raise LaunchError(
            f'checkpoint {path}: no such file; the current folder is {os.getcwd()}, and a training '
            'writes epoch_<n>.pth and best_*.pth to its work folder'
        )
    return path


def bare_model(runner: Runner) -> nn.Module:
    """The model of a run without what wraps it for several processes."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def misfits(wanted: Mapping[str, Tensor], given: Mapping[str, Any]) -> dict[str, str]:
    """Which tensors a checkpoint would leave as they are, and why.

    Args:
        wanted: Name -> tensor of the model.
        given: State dict of the checkpoint; ``module.`` before its names does not count.
    """
    shapes = {
        name.removeprefix('module.'): tuple(value.shape)
        for name, value in given.items()
        if isinstance(value, Tensor)
    }
    return {
        name: f'of shape {shapes[name]}' if name in shapes else 'missing'
        for name, value in wanted.items()
        if shapes.get(name) != tuple(value.shape)
    }


def unfilled(parameters: Iterable[tuple[str, Tensor]], given: Mapping[str, Any]) -> str:
    """Which of some parameters a state dict would leave as they are, in words; '' for none."""
    wanted = dict(parameters)
    wrong = misfits(wanted, given)
    if not wrong:
        return ''
    return (
        f'{len(wrong)} of its {len(wanted)} parameters are missing or of another shape, as '
        f'{next(iter(wrong))}'
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
