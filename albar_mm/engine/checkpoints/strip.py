"""Taking what only training needs out of a checkpoint, so that the stock recogniser loads it."""

import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mmengine.runner.checkpoint as checkpoints
import torch

from ...utils.errors import CheckpointError
from ...utils.files import check_output, write_bytes
from .source import load_source

#: parameters that exist in training alone; EMA and DDP put ``module.`` before the names
_BRANCH = re.compile(r'(?:module\.)*(sdn_scene_head|sdn_mask_head)\.')
#: belongs to the parameters one by one, so it is of no use without some of them
_OF_TRAINING = ('optimizer', 'param_schedulers')


def strip_training_branches(state_dict: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the parameters and buffers of the branches that exist in training alone.

    Args:
        state_dict: Name -> tensor, of a recogniser such as ``SDNRecognizer3D``; not changed.
    """
    return {name: value for name, value in state_dict.items() if not _BRANCH.match(str(name))}


def strip_checkpoint(source: str | os.PathLike, target: str | os.PathLike) -> list[str]:
    """Write a checkpoint without the training branches; returns what was taken out, in lines.

    ``state_dict`` and, if there is one, ``ema_state_dict`` are stripped; with something to strip
    the state of the optimiser and of the schedulers goes too. A file without such branches is
    copied byte by byte.

    Args:
        source: A checkpoint of MMEngine, or a state dict alone; loaded as data.
        target: File to write, whole or not at all; another one than ``source``.

    Raises:
        CheckpointError: ``source`` is not there, damaged, holds code or no weights, or is
            ``target`` itself.
        DatasetError: ``target`` cannot be written.
    """
    source, target = Path(source), Path(target)
    loaded = load_source(source, target)
    if not isinstance(loaded, dict):
        raise CheckpointError(f'{source} holds a {type(loaded).__name__}; expected a checkpoint')
    whole, counts = 'state_dict' in loaded, Counter()
    parts = [key for key in ('state_dict', 'ema_state_dict') if key in loaded] if whole else ['']
    for part in parts:
        state = loaded[part] if whole else loaded
        if not isinstance(state, Mapping) or not any(map(torch.is_tensor, state.values())):
            raise CheckpointError(f'{source}: {part or "the file"} holds no weights')
        counts.update(found[1] for name in state if (found := _BRANCH.match(str(name))))
        stripped = strip_training_branches(state)
        loaded = dict(loaded, **{part: stripped}) if whole else stripped
    check_output(target)
    if not counts:
        write_bytes(target, source.read_bytes())
        return ['no training branches in it: copied as it is']
    dropped = tuple(key for key in _OF_TRAINING if whole and key in loaded)
    kept = {key: value for key, value in loaded.items() if key not in dropped}
    # the mended function writes a local file whole or not at all
    checkpoints.save_checkpoint(kept, str(target))
    lines = [f'removed {name}.*: {count} tensors' for name, count in counts.items()]
    removed = f'removed {", ".join(dropped)}: training goes on from the original file only'
    return [*lines, removed] if dropped else lines
