"""The ``sdn=dict(...)`` option of the SDN recognisers, read and checked."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .static_norm import NORM_MODES

OBJECTIVES = ('maximise_entropy', 'as_released')


@dataclass(frozen=True)
class SceneOptions:
    """Settings of the scene branch.

    Attributes:
        alpha: Strength of the gradient reversal.
        hidden_layers: Number of hidden layers of the head.
        weight: Factor of the loss, > 0.
    """

    alpha: float = 0.5
    hidden_layers: int = 3
    weight: float = 1.0


@dataclass(frozen=True)
class MaskOptions:
    """Settings of the human-mask branch.

    Attributes:
        alpha: Strength of what the backbone gets of the entropy term.
        hidden_layers: Number of hidden layers of the head.
        weight: Factor of the loss, > 0.
        mask_ratio: Probability of a usable sample to be used, in [0, 1].
        min_person_frames: Share of frames with a box from which a sample is usable, in [0, 1].
        objective: One of ``OBJECTIVES``.
        norm: What BatchNorm of the backbone does in the masked pass, see :func:`.static_norm`.
    """

    alpha: float = 1.0
    hidden_layers: int = 1
    weight: float = 1.0
    mask_ratio: float = 1.0
    min_person_frames: float = 0.7
    objective: str = 'maximise_entropy'
    norm: str = 'batch'


@dataclass(frozen=True)
class SDNOptions:
    """Settings of SDN.

    Attributes:
        num_scenes: Number of scene classes S; None without a scene branch.
        scene: The scene branch, or None.
        mask: The human-mask branch, or None.
    """

    num_scenes: int | None
    scene: SceneOptions | None
    mask: MaskOptions | None

    @classmethod
    def from_config(cls, sdn: Mapping[str, Any]) -> 'SDNOptions':
        """Check the option.

        Args:
            sdn: Keys ``num_scenes``, ``scene``, ``mask``.

        Raises:
            TypeError: If ``sdn`` or a branch is no dict.
            ValueError: For an unknown key or an illegal value (the message names the key), or if
                both branches are off.
        """
        if not isinstance(sdn, Mapping):
            raise TypeError(f'sdn must be a dict, got {type(sdn).__name__}')
        _known(sdn, ('num_scenes', 'scene', 'mask'), 'sdn')
        scene = _branch(SceneOptions, sdn.get('scene', {}), 'sdn.scene')
        mask = _branch(MaskOptions, sdn.get('mask', {}), 'sdn.mask')
        if scene is None and mask is None:
            raise ValueError(
                'sdn.scene and sdn.mask are both None: switch one of the branches on, '
                'or take the plain recogniser'
            )
        scenes = sdn.get('num_scenes')
        if scene is not None and not (_whole(scenes) and scenes >= 2):
            raise ValueError(
                f'sdn.num_scenes must be a whole number >= 2, got {scenes!r}; '
                'albar_mm.annotations.scene_labels.scene_count reads it off a file of '
                'scene labels'
            )
        return cls(scenes if scene is not None else None, scene, mask)


def _branch(kind: type, values: Mapping[str, Any] | None, where: str) -> Any:  # noqa: ANN401
    if values is None:
        return None
    if not isinstance(values, Mapping):
        raise TypeError(f'{where} must be a dict or None, got {type(values).__name__}')
    _known(values, [field.name for field in fields(kind)], where)
    options = kind(**values)
    for name in ('alpha', 'weight', 'mask_ratio', 'min_person_frames'):
        if hasattr(options, name):
            _check_number(
                getattr(options, name),
                f'{where}.{name}',
                1.0 if name in ('mask_ratio', 'min_person_frames') else math.inf,
            )
    if options.weight == 0:
        raise ValueError(f'{where}.weight is 0: set {where}=None to switch the branch off')
    if not (_whole(options.hidden_layers) and options.hidden_layers >= 0):
        raise ValueError(
            f'{where}.hidden_layers must be a whole number >= 0, got {options.hidden_layers!r}'
        )
    # 'clip' would need the statistics of the other pass; those of static_norm's others do not
    modes = tuple(mode for mode in NORM_MODES if mode != 'clip')
    for name, allowed in (('objective', OBJECTIVES), ('norm', modes)):
        if getattr(options, name, allowed[0]) not in allowed:
            raise ValueError(
                f'{where}.{name} must be one of {", ".join(map(repr, allowed))}, got '
                f'{getattr(options, name)!r}'
            )
    return options


def _known(values: Mapping[str, Any], allowed: Any, where: str) -> None:  # noqa: ANN401
    unknown = sorted(set(values) - set(allowed))
    if unknown:
        raise ValueError(f'{where} has unknown key {unknown[0]!r}; known are {", ".join(allowed)}')


def _check_number(value: Any, where: str, largest: float) -> None:  # noqa: ANN401
    sound = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not sound or not 0 <= value <= largest or math.isinf(value):
        expected = f'from 0 to {largest:g}' if largest < math.inf else '>= 0'
        raise ValueError(f'{where} must be a number {expected}, got {value!r}')


def _whole(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, int) and not isinstance(value, bool)
