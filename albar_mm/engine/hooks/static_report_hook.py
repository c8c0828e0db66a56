"""Saying after every epoch whether the static clip still tells as much as the clip."""

import logging
import math
from typing import Any

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..checkpoints.source import bare_model

KEEPS_UP, LEARNT = 1.5, 0.9
"""Ratio of cross-entropies below which the still keeps up; share of log K from which nothing is
learnt yet."""


@HOOKS.register_module()
class StaticReportHook(Hook):
    """After each training epoch, one line on how far clip and static clip have come apart.

    Logged as ``static_ratio`` is the cross-entropy of the static clips over that of the clips, both
    averaged over the epoch's batches. A network that has learnt motion is sure of the clip and not
    of the still: the ratio rises far above 1. Near 1 the still keeps up with the clip: the network
    tells the classes apart by appearance, and the static terms push against all that it knows. The
    line says so and what to try. Networks without static losses are left alone.
    """

    def before_train_epoch(self, runner: Runner) -> None:
        """Note where the epoch's numbers begin."""
        self._begin = {key: len(self._values(runner, key)) for key in ('loss_cls', 'static_ce')}
        self._begin['static_top1'] = self._begin['static_ce']

    def after_train_epoch(self, runner: Runner) -> None:
        """Log the ratio and say what it means."""
        found = {}
        for key, begin in self._begin.items():
            values = self._values(runner, key)[begin:]
            if not len(values):
                return
            found[key] = float(values.mean())
        clip, still, top1 = found['loss_cls'], found['static_ce'], found['static_top1']
        ratio = still / max(clip, 1e-6)
        runner.message_hub.update_scalar('train/static_ratio', ratio)
        chance = math.log(bare_model(runner).cls_head.num_classes)
        level, meaning = _meaning(clip, ratio, chance)
        runner.logger.log(
            level,
            f'static pass: cross-entropy {still:.2f} of the stills, {clip:.2f} of the clips (ratio '
            f'{ratio:.2f}, a blind guess has {chance:.2f}), stills right in {100 * top1:.0f} %: '
            f'{meaning}',
        )

    @staticmethod
    def _values(runner: Runner, key: str) -> Any:
        history = runner.message_hub.log_scalars.get(f'train/{key}')
        return [] if history is None else history.data[0]


def _meaning(clip: float, ratio: float, chance: float) -> tuple[int, str]:
    if clip > LEARNT * chance:
        return logging.INFO, (
            'the clips are not learnt yet; if this stays, let the static terms begin gently '
            '(static.ramp=0.5) or start from weights of a plain training (load_from)'
        )
    if ratio < KEEPS_UP:
        return logging.WARNING, (
            'the still keeps up with the clip, so the network knows appearance and no motion; try '
            'static.ramp=0.5, a longer or denser clip, or a network with more temporal layers'
        )
    return logging.INFO, 'the network tells the clips by their motion'
