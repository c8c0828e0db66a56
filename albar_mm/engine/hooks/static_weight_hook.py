"""Scheduling the weights of static losses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...utils.numbers import number, one_of
from ..checkpoints.source import bare_model


@dataclass(frozen=True)
class WeightSchedule:
    """Weight of one static loss as a function of progress alone (epoch or iteration from 0).

    Attributes:
        loss: Name of the term: ``adv``, ``ent``, ``gp``, or the ``name`` given in the config.
        weight: Weight after a ramp or step, or inside a window; finite, >= 0.
        mode: ``'linear'``: from ``start_weight`` at ``begin`` to ``weight`` at ``end``, constant
            outside. ``'step'``: ``start_weight`` before ``begin``, ``weight`` from it on.
            ``'window'``: ``weight`` in [begin, end), ``start_weight`` outside.
        begin: First epoch or iteration of the change.
        end: Needed by ``'linear'`` and ``'window'``, > ``begin``.
        start_weight: See ``mode``. Defaults to 0.
    """

    loss: str
    weight: float
    mode: str = 'linear'
    begin: int = 0
    end: int | None = None
    start_weight: float = 0.0

    def __post_init__(self) -> None:
        where = f'StaticWeightHook schedule of {self.loss!r}'
        one_of(self.mode, ('linear', 'step', 'window'), f'{where}: mode')
        for key in ('weight', 'start_weight', 'begin'):
            whole = key == 'begin'
            value = number(getattr(self, key), f'{where}: {key}', 0, whole=whole, error=ValueError)
            object.__setattr__(self, key, value)
        if self.mode == 'step':
            if self.end is not None:
                raise ValueError(f"{where}: mode 'step' takes no end")
        elif self.end is None or self.end <= self.begin:
            raise ValueError(
                f'{where}: mode {self.mode!r} needs end > begin, got begin='
                f'{self.begin}, end={self.end}'
            )

    def at(self, progress: int) -> float:
        """Weight at an epoch or iteration counted from 0."""
        if self.mode == 'step':
            return self.weight if progress >= self.begin else self.start_weight
        if self.mode == 'window':
            return self.weight if self.begin <= progress < self.end else self.start_weight
        done = min(max((progress - self.begin) / (self.end - self.begin), 0.0), 1.0)
        return self.start_weight + done * (self.weight - self.start_weight)


@HOOKS.register_module()
class StaticWeightHook(Hook):
    """Set the weights of static losses while training runs.

    The weight depends on the epoch or iteration only, so a resumed run continues with the same
    values. The current value is logged as ``static_weight_<name>``.

    Args:
        schedules: List of dicts with the fields of :class:`WeightSchedule`.
        by_epoch: Whether ``begin`` and ``end`` count epochs (default) or iterations.

    Raises:
        TypeError, ValueError: For an illegal schedule, or before training, if the model has no
            static loss of that name.

    Example:
        >>> custom_hooks = [dict(type='StaticWeightHook', schedules=[
        ...     dict(loss='gp', weight=10., begin=0, end=5),
        ...     dict(loss='adv', weight=1., mode='step', begin=5)])]
    """

    def __init__(self, schedules: Sequence[Mapping[str, Any]], by_epoch: bool = True) -> None:
        if isinstance(schedules, (Mapping, str)) or not schedules:
            raise ValueError('StaticWeightHook needs schedules, a non-empty list of dicts')
        self.schedules = [WeightSchedule(**schedule) for schedule in schedules]
        names = [schedule.loss for schedule in self.schedules]
        if len(set(names)) < len(names):
            raise ValueError(f'StaticWeightHook has two schedules for one loss: {names}')
        self.by_epoch = by_epoch

    def before_train(self, runner: Runner) -> None:
        """Check the names against the model."""
        known = self._terms(runner)
        for schedule in self.schedules:
            if schedule.loss not in known:
                raise ValueError(
                    f'StaticWeightHook: the model has no static loss {schedule.loss!r}'
                    f', it has {sorted(known) or "none"}'
                )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Set the weights of this iteration."""
        progress = runner.epoch if self.by_epoch else runner.iter
        terms = self._terms(runner)
        for schedule in self.schedules:
            weight = schedule.at(progress)
            terms[schedule.loss].weight = weight
            runner.message_hub.update_scalar(f'train/static_weight_{schedule.loss}', weight)

    @staticmethod
    def _terms(runner: Runner) -> dict:
        return {term.name: term for term in getattr(bare_model(runner), 'static_losses', ())}
