"""Weights of the official TriDet for a ``SegmentDetector``."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from albar_mm.engine.checkpoints.convert import Converted

from ._official import convert_official

_RENAMED = (
    (r'\.ln\.', '.norm.'),
    (r'\.gn\.', '.group_norm.'),
    (r'\.psi\.', '.gate.'),
    (r'\.convw\.', '.narrow.'),
    (r'\.convkw\.', '.wide.'),
    (r'\.global_fc\.', '.whole.'),
    (r'\.drop_path_out\.', '.drop_first.'),
)


def convert_tridet(state_dict: Mapping[str, Tensor]) -> Converted:
    """Rename the parameters of the official TriDet.

    Args:
        state_dict: Name -> tensor; ``module.`` before each name is left off.

    Returns:
        The weights of ``projection``, ``backbone`` and ``head``.

    Raises:
        CheckpointError: It is no TriDet with an SGP backbone.
    """
    return convert_official(state_dict, 'backbone.stem.0.psi', 'a TriDet', _RENAMED)
