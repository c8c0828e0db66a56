"""The ``static=dict(...)`` option of the static-pass recognisers, read and checked."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from mmaction.registry import MODELS
from torch import nn

from ..losses.base import StaticLoss
from ..utils.static_frames import check_frame_choice
from .static_norm import NORM_MODES

SOURCES = ('unblended', 'blended')

#: Weights of the paper (Section 4 and its ablations); penalty reduced as in the official code.
DEFAULT_LOSSES = (
    dict(type='StaticAdversarialLoss', weight=1.0),
    dict(type='StaticEntropyLoss', weight=4.0),
    dict(type='StaticGradientPenalty', weight=10.0, reduction='official'),
)


@dataclass
class StaticOptions:
    """Settings of the static pass.

    Attributes:
        frame: Which frame becomes the static clip when the sample does not say.
        source: ``'unblended'``: the frame and label before mini-batch blending; ``'blended'``:
            those after it.
        norm: What BatchNorm does in the static pass, see :func:`static_norm`.
        losses: The terms, possibly none.
    """

    frame: str | int = 'random'
    source: str = 'unblended'
    norm: str = 'batch'
    losses: list[StaticLoss] = field(default_factory=list)

    @classmethod
    def from_config(cls, static: Mapping[str, Any] | None) -> 'StaticOptions':
        """Check the option and build its losses.

        Args:
            static: Keys ``frame``, ``source``, ``norm``, ``losses``, all optional; None for no
                static pass at all.

        Raises:
            TypeError: If ``static`` or ``losses`` is of another kind.
            ValueError: For an unknown key, an illegal value, or two terms of one name.
        """
        if static is None:
            return cls()
        if not isinstance(static, Mapping):
            raise TypeError(f'static must be a dict or None, got {type(static).__name__}')
        static = deepcopy(dict(static))
        unknown = sorted(set(static) - {'frame', 'source', 'norm', 'losses'})
        if unknown:
            raise ValueError(
                f'static has unknown key {unknown[0]!r}; known are frame, source, norm, losses'
            )
        options = cls(
            frame=check_frame_choice(static.get('frame', 'random'), 'static.frame'),
            source=_one_of(static.get('source', 'unblended'), SOURCES, 'static.source'),
            norm=_one_of(static.get('norm', 'batch'), NORM_MODES, 'static.norm'),
        )
        losses = static.get('losses', deepcopy(DEFAULT_LOSSES))
        if not isinstance(losses, (list, tuple)):
            raise TypeError(
                f'static.losses must be a list of loss configs, got {type(losses).__name__}'
            )
        options.losses = [_build_loss(cfg, i) for i, cfg in enumerate(losses)]
        names = [loss.name for loss in options.losses]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f'static.losses holds two terms named {name!r}: give one of them another name='
                )
        return options


def _one_of(value: Any, allowed: tuple[str, ...], where: str) -> str:
    if value not in allowed:
        raise ValueError(f'{where} must be one of {", ".join(map(repr, allowed))}, got {value!r}')
    return value


def _build_loss(cfg: Any, position: int) -> StaticLoss:
    where = f'static.losses[{position}]'
    if not isinstance(cfg, nn.Module):
        if not isinstance(cfg, Mapping) or 'type' not in cfg:
            raise ValueError(f"{where} must be a dict with a 'type', got {cfg!r}")
        cfg = _build_registered(cfg, where)
    if not isinstance(cfg, StaticLoss):
        raise ValueError(
            f'{where} must be a static loss (a subclass of StaticLoss), got {type(cfg).__name__}'
        )
    return cfg


def _build_registered(cfg: Mapping[str, Any], where: str) -> nn.Module:
    kind = cfg['type']
    if isinstance(kind, str) and MODELS.get(kind) is None:
        known = sorted(
            name
            for name, module in MODELS.module_dict.items()
            if isinstance(module, type) and issubclass(module, StaticLoss)
        )
        raise ValueError(
            f'{where}.type: there is no {kind!r}; use one of {", ".join(known)}, or '
            'name the module that registers it under custom_imports'
        )
    try:
        return MODELS.build(cfg)
    except TypeError as error:  # an argument that the loss does not have
        raise ValueError(f'{where}: {error}') from error
