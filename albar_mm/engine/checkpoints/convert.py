"""Checkpoints of other code as those of MMAction2, and without what only training needs."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mmengine.runner.checkpoint as checkpoints
import torch
from torch import Tensor

from ...utils.errors import CheckpointError
from ...utils.files import check_output, write_bytes
from .source import load_source

_ROOT = 'patch_embed.proj.weight'
_STATES = ('state_dict_ema', 'state_dict', 'model_state_dict', 'model', 'net', 'weights')
_RENAMED = (
    (re.compile(r'^patch_embed\.'), 'backbone.patch_embed.'),
    (re.compile(r'\.mlp\.0\.'), '.mlp.fc1.'),
    (re.compile(r'\.mlp\.3\.'), '.mlp.fc2.'),
)


@dataclass(frozen=True)
class Converted:
    """What was converted.

    Attributes:
        state_dict: Name in MMAction2 -> tensor.
        left_out: Names that have no place in the recogniser.
        what: The network.
    """

    state_dict: dict[str, Tensor]
    left_out: tuple[str, ...]
    what: str

    def lines(self) -> list[str]:
        """What was converted, for the terminal."""
        lines = [f'{len(self.state_dict)} tensors of {self.what}']
        if self.left_out:
            lines.append(
                f'left out {len(self.left_out)} that have no place in it, as {self.left_out[0]}'
            )
        return lines


def convert_swin3d(state_dict: Mapping[str, Tensor]) -> Converted:
    """Rename the parameters of torchvision's ``SwinTransformer3d``.

    ``swin3d_t``, ``swin3d_s`` and ``swin3d_b`` of torchvision and ``SwinTransformer3D`` of
    MMAction2 are the same network (Liu et al., Video Swin Transformer, CVPR 2022) under other
    names. The official ALBAR code trains torchvision's.

    Blocks stand in ``features.0, 2, 4, 6`` and patch merging in ``features.1, 3, 5``; in MMAction2
    a stage holds both.

    Args:
        state_dict: Name -> tensor; a common prefix such as ``module.`` or ``backbone.`` is told by
            itself.

    Returns:
        The weights for ``Recognizer3D`` with ``SwinTransformer3D`` and ``I3DHead``.

    Raises:
        CheckpointError: It is no Video Swin, or a layer is missing.
    """
    roots = [name.removesuffix(_ROOT) for name in state_dict if name.endswith(_ROOT)]
    if len(roots) != 1 or state_dict[roots[0] + _ROOT].ndim != 5:
        raise CheckpointError(
            f'no Video Swin of torchvision: expected one {_ROOT} of five axes, found {len(roots)}'
        )
    (prefix,) = roots
    inside = {
        name.removeprefix(prefix): value
        for name, value in state_dict.items()
        if name.startswith(prefix)
    }
    stages = {int(name.split('.')[1]) for name in inside if name.startswith('features.')}
    last = max(stages, default=-1)
    if stages != set(range(last + 1)) or last % 2:
        raise CheckpointError(
            f'no Video Swin of torchvision: it has features {sorted(stages)}; '
            'expected 0, 1, 2, ... up to an even number'
        )
    names = {name: _renamed(name, last // 2) for name in inside}
    renamed = {new: inside[name] for name, new in names.items() if new}
    left_out = [prefix + name for name, new in names.items() if not new]
    left_out += [name for name in state_dict if not name.startswith(prefix)]
    head = renamed.get('cls_head.fc_cls.weight')
    end = 'no head' if head is None else f'a head of {len(head)} classes'
    return Converted(renamed, tuple(left_out), f'a Video Swin, {end}')


def _renamed(name: str, stages: int) -> str | None:
    part, _, rest = name.partition('.')
    if part == 'features':
        stage, _, rest = rest.partition('.')
        kind = 'downsample' if int(stage) % 2 else 'blocks'
        name = f'backbone.layers.{int(stage) // 2}.{kind}.{rest}'
    elif part == 'norm':
        name = f'backbone.norm{stages}.{rest}'
    elif part == 'head' and '.' not in rest:
        name = f'cls_head.fc_cls.{rest}'
    elif part != 'patch_embed':
        return None
    for pattern, text in _RENAMED:
        name = pattern.sub(text, name)
    return name


def convert_checkpoint(
    convert: Callable[[Mapping[str, Tensor]], Converted],
    source: str | os.PathLike,
    target: str | os.PathLike,
) -> Converted:
    """Convert a file.

    Args:
        convert: What renames the weights, as :func:`convert_swin3d`.
        source: The weights, as a state dict or within a checkpoint; loaded as data.
        target: File to write, whole or not at all.

    Raises:
        CheckpointError: ``source`` is not there, damaged, holds code, or other weights.
        DatasetError: ``target`` cannot be written.
    """
    source, target = Path(source), Path(target)
    loaded = load_source(source, target)
    try:
        converted = convert(next(_states(loaded), {}))
    except CheckpointError as error:
        raise CheckpointError(f'{source}: {error}') from error
    check_output(target)
    # the mended function writes a local file whole or not at all
    checkpoints.save_checkpoint(dict(state_dict=converted.state_dict), str(target))
    return converted


def _states(loaded: Any) -> Iterator[Mapping[str, Tensor]]:
    """State dicts in a file: itself, or what lies under a usual name."""
    if not isinstance(loaded, Mapping):
        return
    weights = {str(name): value for name, value in loaded.items() if torch.is_tensor(value)}
    if weights:
        yield weights
    for name in _STATES:
        yield from _states(loaded.get(name))


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
