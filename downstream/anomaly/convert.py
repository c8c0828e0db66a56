"""Weights of the official MGFN for :class:`~.models.MGFN` and its head."""

import re
from collections import Counter
from collections.abc import Mapping

from torch import Tensor

from albar_mm.engine.checkpoints.convert import Converted
from albar_mm.utils.errors import CheckpointError

_OWN = re.compile(r'(to_tokens|to_mag|fc|to_logits\.0)\.(weight|bias)')
_LAYER = re.compile(r'stages\.(\d+)\.0\.layers\.(\d+)\.(\d)\.(.+)')
_BETWEEN = re.compile(r'stages\.(\d+)\.1\.([01])\.(.+)')
_PARTS = ('conv', 'mixer', 'ffn')
_PLACES = {
    'to_tokens': 'backbone.amplification.features',
    'fc': 'head.fc',
    'to_mag': 'backbone.amplification.magnitude',
    'to_logits.0': 'head.norm',
}
_MIXERS = {'to_qkv': 'qkv', 'to_out': 'out', 'to_v': 'value', 'rel_pos': 'kernel'}


def convert_mgfn(state_dict: Mapping[str, Tensor]) -> Converted:
    """Rename the parameters of the official MGFN.

    Args:
        state_dict: Name -> tensor; ``module.`` before each name is left off.

    Returns:
        The weights for ``AnomalyDetector`` with ``MGFN`` and ``MGFNHead``.

    Raises:
        CheckpointError: It is no MGFN.
    """
    given = {name.removeprefix('module.'): value for name, value in state_dict.items()}
    if 'to_tokens.weight' not in given or 'fc.weight' not in given:
        raise CheckpointError(
            'no MGFN of the official code: it has no to_tokens.weight and fc.weight'
        )
    layers = {(int(found[1]), found[2]) for found in map(_LAYER.fullmatch, given) if found}
    depths = Counter(stage for stage, _ in layers)
    names = {name: _renamed(name, depths) for name in given}
    renamed = {
        # channel norms are kept as (1, D, 1)
        names[name]: value.flatten() if name.endswith(('.g', '.b')) else value
        for name, value in given.items()
        if names[name] is not None
    }
    left_out = tuple(name for name, new in names.items() if new is None)
    what = f'an MGFN for features of {given["to_tokens.weight"].shape[1]} channels'
    return Converted(renamed, left_out, what)


def _renamed(name: str, depths: Counter[int]) -> str | None:
    if found := _OWN.fullmatch(name):
        return f'{_PLACES[found[1]]}.{found[2]}'
    found = _LAYER.fullmatch(name) or _BETWEEN.fullmatch(name)
    if not found:
        return None
    stage, place = int(found[1]), found[2]
    # before a stage: the layers of earlier ones, and what stands behind each
    first = sum(depths[earlier] + 1 for earlier in range(stage))
    if found.re is _LAYER:
        mixer, _, inside = found[4].partition('.')
        rest = f'{_MIXERS[mixer]}.{inside}' if mixer in _MIXERS else found[4]
        name = f'{first + int(place)}.{_PARTS[int(found[3])]}.{rest}'
    else:
        name = f'{first + depths[stage]}.{place}.{found[3]}'
    return f'backbone.layers.{re.sub(r"[.]b$", ".bias", re.sub(r"[.]g$", ".weight", name))}'
