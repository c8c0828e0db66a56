"""Weights of the official ActionFormer for a ``SegmentDetector``."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from albar_mm.engine.checkpoints.convert import Converted
from albar_mm.utils.errors import CheckpointError

from ._official import convert_official

_RENAMED = (
    (r'\.ln1\.', '.norm_first.'),
    (r'\.ln2\.', '.norm_second.'),
    (r'\.attn\.(query|key|value)_conv\.conv\.', r'.attention.\1.conv.'),
    (r'\.attn\.(query|key|value)_norm\.', r'.attention.\1.norm.'),
    (r'\.attn\.(query|key|value)\.', r'.attention.\1.linear.'),
    (r'\.attn\.proj\.', '.attention.out.'),
    (r'\.drop_path_attn\.', '.drop_first.'),
)
_LINEAR = ('.linear.weight', '.attention.out.weight', '.ffn.0.weight', '.ffn.3.weight')
_UNKNOWN = {'.rel_pe': 'relative position encoding', '.proj.0.conv.weight': 'several streams'}


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
    found = convert_official(state_dict, 'backbone.stem.0.attn.query', 'an ActionFormer', _RENAMED)
    for name, value in found.state_dict.items():
        # there they are convolutions over time
        if name.endswith(_LINEAR):
            found.state_dict[name] = value.squeeze(2)
    return found
