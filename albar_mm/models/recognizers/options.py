"""The options ``static=dict(...)`` and ``sdn=dict(...)`` of the recognisers, read and checked."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields
from functools import partial
from types import MappingProxyType
from typing import Any

from mmaction.registry import MODELS
from torch import nn

from ...utils.config_types import class_of, type_name
from ...utils.numbers import number, one_of
from ..losses import StaticLoss
from ..utils.static_frames import check_frame_choice
from .static_norm import NORM_MODES

SOURCES = ('unblended', 'blended')
OBJECTIVES = ('as_released', 'maximise_entropy')

#: Weights of the paper (Section 4 and its ablations); penalty reduced as in the official code.
DEFAULT_LOSSES = (
    dict(type='StaticAdversarialLoss', weight=1.0),
    dict(type='StaticEntropyLoss', weight=4.0),
    dict(type='StaticGradientPenalty', weight=10.0, reduction='official'),
)
#: Options of the static pass by name; the caller's own come before them.
PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    dict(
        paper=MappingProxyType({}),
        fast=MappingProxyType(dict(share=0.5, penalty_share=0.25, unpaired=0.25)),
    )
)
#: Cost of a static and of a twice differentiated clip, in plain clips: about what Swin-T and a 3D
#: ResNet take at 16x112x112 (docs/static_pass.md).
_STATIC, _PENALISED = 1.2, 1.4
_number = partial(number, error=ValueError)


@dataclass
class StaticOptions:
    """Settings of the static pass.

    Attributes:
        frame: Which frame becomes the static clip when the sample does not say.
        source: ``'unblended'``: the frame and label before mini-batch blending; ``'blended'``:
            those after it.
        norm: What BatchNorm does in the static pass, see :func:`static_norm`.
        losses: The terms, possibly none.
        share: Share of the batch that goes through the static pass, in (0, 1].
        penalty_share: Share of these that the penalty is taken of, in [0, 1]; 0: of none, terms
            that differentiate by the clip are left out.
        unpaired: Weight, in [0, 1], of the clips without a static pass in the loss of the motion
            pass. Those with one have what is missing, so that its mean over draws stays.
        every: The static pass is run in one of so many steps, its terms times that number.
        ramp: Share of the training, in [0, 1], over which all weights rise linearly from
            ``ramp_start`` times their value; 0: no ramp.
        ramp_start: In [0, 1].
    """

    frame: str | int = 'random'
    source: str = 'unblended'
    norm: str = 'batch'
    losses: list[StaticLoss] = field(default_factory=list)
    share: float = 1.0
    penalty_share: float = 1.0
    unpaired: float = 1.0
    every: int = 1
    ramp: float = 0.0
    ramp_start: float = 0.05

    def factor(self, step: int, steps: int | None) -> float:
        """What all weights are multiplied by in a step, from 0, of a training of so many steps."""
        if not self.ramp or not steps:
            return float(self.every)
        done = min(1.0, step / (self.ramp * steps))
        return self.every * (self.ramp_start + done * (1 - self.ramp_start))

    def cost(self, batch: int) -> str:
        """What a step costs beside a plain one, in a sentence; '' without a static pass."""
        if not any(loss.weight > 0 for loss in self.losses):
            return ''
        static, penalised = self.counts(batch)
        twice = any(loss.differentiates_twice and loss.weight > 0 for loss in self.losses)
        second = _PENALISED * penalised * twice / batch
        time = 1 + (_STATIC * static / batch + second) / self.every
        often = f' in one of {self.every} steps' if self.every > 1 else ''
        return (
            f'static pass of {static} of {batch} clips, {penalised if twice else 0} of them '
            f'differentiated twice{often}: a step takes about {time:.1f} times as long as a plain '
            'one (benchmarks/step_cost.py --levers measures it)'
        )

    def counts(self, batch: int) -> tuple[int, int]:
        """How many samples of a batch have a static pass, and how many of these are penalised."""
        static = max(1, round(self.share * batch))
        return static, max(1, round(self.penalty_share * static)) if self.penalty_share else 0

    @classmethod
    def from_config(cls, static: Mapping[str, Any] | None) -> 'StaticOptions':
        """Check the option and build its losses.

        Args:
            static: The attributes as keys, all optional, and ``preset``, one of ``PRESETS``, whose
                values hold where no others are given; None for no static pass at all.

        Raises:
            TypeError: If ``static`` or ``losses`` is of another kind.
            ValueError: For an unknown key, an illegal value, or two terms of one name.
        """
        if static is None:
            return cls()
        if isinstance(static, Mapping) and 'preset' in static:
            static = dict(static)
            preset = one_of(static.pop('preset'), tuple(PRESETS), 'static.preset')
            static = {**PRESETS[preset], **static}
        given = _known('static', static, cls, 'a dict or None')
        losses = given.pop('losses', DEFAULT_LOSSES)
        options = cls(**given)
        check_frame_choice(options.frame, 'static.frame')
        one_of(options.source, SOURCES, 'static.source')
        one_of(options.norm, NORM_MODES, 'static.norm')
        _number(options.share, 'static.share', above=0, high=1)
        for key in ('penalty_share', 'unpaired', 'ramp', 'ramp_start'):
            _number(getattr(options, key), f'static.{key}', 0, 1)
        _number(options.every, 'static.every', 1, whole=True)
        if not isinstance(losses, (list, tuple)):
            raise TypeError(
                f'static.losses must be a list of loss configs, got {type(losses).__name__}'
            )
        options.losses = [
            _build_loss(deepcopy(cfg), f'static.losses[{i}]') for i, cfg in enumerate(losses)
        ]
        names = [loss.name for loss in options.losses]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f'static.losses holds two terms named {name!r}: give one of them another name='
                )
        return options


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
    objective: str = 'as_released'
    norm: str = 'batch'


_CHECKS = dict(
    alpha=partial(_number, low=0),
    hidden_layers=partial(_number, low=0, whole=True),
    weight=partial(_number, low=0),
    mask_ratio=partial(_number, low=0, high=1),
    min_person_frames=partial(_number, low=0, high=1),
    objective=lambda value, what: one_of(value, OBJECTIVES, what),
    # 'clip' would need the statistics of the other pass; those of static_norm's others do not
    norm=lambda value, what: one_of(value, [m for m in NORM_MODES if m != 'clip'], what),
)


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
        given = _known('sdn', sdn, cls, 'a dict')
        scene = _branch(SceneOptions, given.get('scene', {}), 'sdn.scene')
        mask = _branch(MaskOptions, given.get('mask', {}), 'sdn.mask')
        if scene is None and mask is None:
            raise ValueError(
                'sdn.scene and sdn.mask are both None: switch one of the branches on, '
                'or take the plain recogniser'
            )
        if scene is None:
            return cls(None, None, mask)
        asked = (
            'sdn.num_scenes (albar_mm.annotations.scene_labels.scene_count reads it off a file of '
            'scene labels)'
        )
        return cls(_number(given.get('num_scenes'), asked, 2, whole=True), scene, mask)


def _branch(kind: type, values: Mapping[str, Any] | None, where: str) -> Any:
    if values is None:
        return None
    given = {each.name: each.default for each in fields(kind)}
    given |= _known(where, values, kind, 'a dict or None')
    options = kind(**{key: _CHECKS[key](given[key], f'{where}.{key}') for key in given})
    if options.weight == 0:
        raise ValueError(f'{where}.weight is 0: set {where}=None to switch the branch off')
    return options


def _known(where: str, values: Any, kind: type, expected: str) -> dict[str, Any]:
    """The keys of an option, if a dataclass has fields for all of them."""
    if not isinstance(values, Mapping):
        raise TypeError(f'{where} must be {expected}, got {type(values).__name__}')
    known = [each.name for each in fields(kind)]
    for key in values:
        if key not in known:
            raise ValueError(f'{where} has unknown key {key!r}; known are {", ".join(known)}')
    return dict(values)


def _build_loss(cfg: Any, where: str) -> StaticLoss:
    loss = cfg
    if not isinstance(cfg, nn.Module):
        if not isinstance(cfg, Mapping) or not type_name(cfg):
            raise ValueError(f"{where} must be a dict with a 'type', got {cfg!r}")
        if class_of(cfg, MODELS) is None:
            known = sorted(
                name
                for name, module in MODELS.module_dict.items()
                if isinstance(module, type) and issubclass(module, StaticLoss)
            )
            raise ValueError(
                f'{where}.type: there is no {type_name(cfg)!r}; use one of {", ".join(known)}, or '
                'name the module that registers it under custom_imports'
            )
        try:
            loss = MODELS.build(cfg)
        except TypeError as error:  # an argument that the loss does not have
            raise ValueError(f'{where}: {error}') from error
    if not isinstance(loss, StaticLoss):
        raise ValueError(
            f'{where} must be a static loss (a subclass of StaticLoss), got {type(loss).__name__}'
        )
    return loss
