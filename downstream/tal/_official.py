"""Names that the official ActionFormer and TriDet share, in a ``SegmentDetector``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from albar_mm.engine.checkpoints.convert import Converted
from albar_mm.utils.errors import CheckpointError

from .losses import LossNormaliser

_PARTS = ('backbone', 'neck', 'cls_head', 'start_head', 'end_head', 'reg_head')
_SHARED = (
    (r'^backbone\.embd\.(\d+)\.conv\.', r'projection.convs.\1.'),
    (r'^backbone\.embd_norm\.', 'projection.norms.'),
    (r'^neck\.fpn_norms\.', 'backbone.norms.'),
    (r'\.mlp\.', '.ffn.'),
    (r'\.drop_path_mlp\.', '.drop_second.'),
    (r'^(\w+_head)\.head\.(\d+)\.conv\.', r'head.\1.stack.convs.\2.'),
    (r'^(\w+_head)\.norm\.', r'head.\1.stack.norms.'),
    (r'^(\w+_head)\.(?:cls_head|offset_head)\.conv\.', r'head.\1.out.'),
    (r'^head\.reg_head\.', 'head.offset_head.'),
)
_SCALE = re.compile(r'reg_head\.scale\.(\d+)\.scale')


def convert_official(
    state_dict: Mapping[str, Tensor], sign: str, what: str, renamed: Sequence[tuple[str, str]]
) -> Converted:
    """Rename the parameters of an official detector.

    Args:
        state_dict: Name -> tensor; ``module.`` before each name is left off.
        sign: A layer that only this detector has.
        what: Its name, with its article.
        renamed: Patterns and what takes their place, for the blocks of the backbone.

    Returns:
        The weights of ``projection``, ``backbone`` and ``head``.

    Raises:
        CheckpointError: ``sign`` is missing.
    """
    given = {name.removeprefix('module.'): value for name, value in state_dict.items()}
    if not any(name.startswith(f'{sign}.') for name in given):
        raise CheckpointError(f'no {what.split()[-1]} of the official code: it has no {sign}')
    found: dict[str, Tensor] = {}
    scales: dict[int, Tensor] = {}
    left_out = []
    for name, value in given.items():
        if match := _SCALE.fullmatch(name):
            scales[int(match[1])] = value.reshape(())
        elif name.split('.')[0] in _PARTS:
            for pattern, text in (*_SHARED, *renamed):
                name = re.sub(pattern, text, name)
            found[name] = _reshaped(name, value)
        else:
            left_out.append(name)
    if scales:
        found['head.offset_head.scales'] = torch.stack([scales[level] for level in sorted(scales)])
    # not in official files, where a training that goes on begins anew with it
    found['head.normaliser.value'] = LossNormaliser().value
    width = given['backbone.embd.0.conv.weight'].shape[1]
    return Converted(found, tuple(left_out), 0, f'{what} for features of {width} channels')


def _reshaped(name: str, value: Tensor) -> Tensor:
    """Norms are kept as (1, C, 1) there, scales of residual branches too."""
    if name.endswith('.scale'):
        return value.reshape(-1, 1)
    return value.flatten() if 'norm' in name.split('.')[-2] or '.norms.' in name else value
