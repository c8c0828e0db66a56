"""Weights of the official TriDet for the pyramid and heads of :mod:`downstream.tal.models`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from albar_mm.compat import CheckpointError
from albar_mm.engine.convert_checkpoint import Converted

_HEADS = {'cls_head': 'cls_head', 'start_head': 'start_head', 'end_head': 'end_head',
          'reg_head': 'offset_head'}  # fmt: skip
_RENAMED = tuple((re.compile(pattern), text) for pattern, text in (
    (r'^backbone\.embd\.(\d+)\.conv\.', r'backbone.projection.convs.\1.'),
    (r'^backbone\.embd_norm\.', 'backbone.projection.norms.'),
    (r'^neck\.fpn_norms\.', 'backbone.norms.'),
    (r'\.ln\.', '.norm.'), (r'\.gn\.', '.group_norm.'), (r'\.psi\.', '.gate.'),
    (r'\.convw\.', '.narrow.'), (r'\.convkw\.', '.wide.'), (r'\.global_fc\.', '.whole.'),
    (r'\.mlp\.', '.ffn.'), (r'\.drop_path_out\.', '.drop_first.'),
    (r'\.drop_path_mlp\.', '.drop_second.'),
    (r'^(\w+_head)\.head\.(\d+)\.conv\.', r'\1.stack.convs.\2.'),
    (r'^(\w+_head)\.norm\.', r'\1.stack.norms.'),
    (r'^(\w+_head)\.(?:cls_head|offset_head)\.conv\.', r'\1.out.'),
))  # fmt: skip
_SCALE = re.compile(r'reg_head\.scale\.(\d+)\.scale')


def convert_tridet(state_dict: Mapping[str, Tensor]) -> Converted:
    """Rename the parameters of the official TriDet.

    Args:
        state_dict: Name -> tensor; ``module.`` before each name is left off.

    Returns:
        The weights: ``backbone`` (the pyramid), ``cls_head``, ``start_head``, ``end_head`` and
        ``offset_head``.

    Raises:
        CheckpointError: It is no TriDet with an SGP backbone.
    """
    given = {name.removeprefix('module.'): value for name, value in state_dict.items()}
    if not any(name.startswith('backbone.stem.0.psi') for name in given):
        raise CheckpointError('no TriDet of the official code: it has no backbone.stem.0.psi')
    renamed: dict[str, Tensor] = {}
    scales: dict[int, Tensor] = {}
    left_out = []
    for name, value in given.items():
        if found := _SCALE.fullmatch(name):
            scales[int(found[1])] = value
        elif name.split('.')[0] in (*_HEADS, 'backbone', 'neck'):
            new = _renamed(name)
            renamed[new] = _reshaped(new, value)
        else:
            left_out.append(name)
    if scales:
        renamed['offset_head.scales'] = torch.stack(
            [scales[level].reshape(()) for level in sorted(scales)])
    width = given['backbone.embd.0.conv.weight'].shape[1]
    return Converted(renamed, tuple(left_out), 0, f'a TriDet for features of {width} channels')


def _renamed(name: str) -> str:
    for pattern, text in _RENAMED:
        name = pattern.sub(text, name)
    first, _, rest = name.partition('.')
    return f'{_HEADS.get(first, first)}.{rest}'


def _reshaped(name: str, value: Tensor) -> Tensor:
    """Norms are kept as (1, C, 1) there, scales of residual branches too."""
    if name.endswith('.scale'):
        return value.reshape(-1, 1)
    return value.flatten() if 'norm' in name.split('.')[-2] or '.norms.' in name else value
