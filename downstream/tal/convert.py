"""Weights of the official TriDet and ActionFormer for a ``SegmentDetector``."""

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
    (r'\.drop_path_(out|attn)\.', '.drop_first.'),
    (r'^(\w+_head)\.head\.(\d+)\.conv\.', r'head.\1.stack.convs.\2.'),
    (r'^(\w+_head)\.norm\.', r'head.\1.stack.norms.'),
    (r'^(\w+_head)\.(?:cls_head|offset_head)\.conv\.', r'head.\1.out.'),
    (r'^head\.reg_head\.', 'head.offset_head.'),
)
_TRIDET = (
    (r'\.ln\.', '.norm.'),
    (r'\.gn\.', '.group_norm.'),
    (r'\.psi\.', '.gate.'),
    (r'\.convw\.', '.narrow.'),
    (r'\.convkw\.', '.wide.'),
    (r'\.global_fc\.', '.whole.'),
)
_ACTIONFORMER = (
    (r'\.ln1\.', '.norm_first.'),
    (r'\.ln2\.', '.norm_second.'),
    (r'\.attn\.(query|key|value)_(?:conv\.)?(conv|norm)\.', r'.attention.\1.\2.'),
    (r'\.attn\.(query|key|value)\.', r'.attention.\1.linear.'),
    (r'\.attn\.proj\.', '.attention.out.'),
)
_LINEAR = ('.linear.weight', '.attention.out.weight', '.ffn.0.weight', '.ffn.3.weight')
_UNKNOWN = {'.rel_pe': 'relative position encoding', '.proj.0.conv.weight': 'several streams'}
_SCALE = re.compile(r'reg_head\.scale\.(\d+)\.scale')


def convert_tridet(state_dict: Mapping[str, Tensor]) -> Converted:
    """Rename the parameters of the official TriDet.

    Args:
        state_dict: Name -> tensor; ``module.`` before each name is left off.

    Returns:
        The weights of ``projection``, ``backbone`` and ``head``.

    Raises:
        CheckpointError: It is no TriDet with an SGP backbone.
    """
    return _convert(state_dict, 'backbone.stem.0.psi', 'a TriDet', _TRIDET)


def convert_actionformer(state_dict: Mapping[str, Tensor]) -> Converted:
    """Rename the parameters of the official ActionFormer.

    Args:
        state_dict: Name -> tensor; ``module.`` before each name is left off.

    Returns:
        The weights of ``projection``, ``backbone``
        (:class:`~downstream.tal.models.TransformerPyramid`) and ``head``.

    Raises:
        CheckpointError: It is no ActionFormer, or one with relative position encoding or a
            projection of several streams.
    """
    for name in state_dict:
        for end, what in _UNKNOWN.items():
            if name.endswith(end):
                raise CheckpointError(
                    f'{name}: an ActionFormer with {what}; expected one without, as for THUMOS14'
                )
    found = _convert(state_dict, 'backbone.stem.0.attn.query', 'an ActionFormer', _ACTIONFORMER)
    for name, value in found.state_dict.items():
        # there they are convolutions over time
        if name.endswith(_LINEAR):
            found.state_dict[name] = value.squeeze(2)
    return found


def _convert(
    state_dict: Mapping[str, Tensor], sign: str, what: str, renamed: Sequence[tuple[str, str]]
) -> Converted:
    """``sign`` is a layer that only this detector has."""
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
            # norms are kept as (1, C, 1) there, scales of residual branches too
            if name.endswith('.scale'):
                value = value.reshape(-1, 1)
            elif 'norm' in name.split('.')[-2] or '.norms.' in name:
                value = value.flatten()
            found[name] = value
        else:
            left_out.append(name)
    if scales:
        found['head.offset_head.scales'] = torch.stack([scales[level] for level in sorted(scales)])
    # not in official files, where a training that goes on begins anew with it
    found['head.normaliser.value'] = LossNormaliser().value
    width = given['backbone.embd.0.conv.weight'].shape[1]
    return Converted(found, tuple(left_out), f'{what} for features of {width} channels')
