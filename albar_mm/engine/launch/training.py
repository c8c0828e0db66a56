"""What a training needs besides its config (used by :mod:`albar_mm.engine.launch.run` only)."""

import glob
import os.path as osp
from collections.abc import Mapping

from mmengine.config import Config

from ...utils.errors import LaunchError

TRAINING_HOOKS = ('ReseedHook', 'EpochResumeHook', 'BadVideoHook', 'PretrainedCheck')


def check_last_checkpoint(work_dir: str) -> None:
    """Make sure that the checkpoint that ``last_checkpoint`` names is there.

    Args:
        work_dir: Work folder of a run that is to be resumed; without that file it starts anew.

    Raises:
        LaunchError: The file names nothing, or a checkpoint that was removed or moved.
    """
    pointer = osp.join(work_dir, 'last_checkpoint')
    if not osp.isfile(pointer):
        return
    with open(pointer, encoding='utf-8') as stream:
        named = stream.read().strip()
    if '://' in named or osp.exists(named):
        return
    there = sorted(glob.glob(osp.join(glob.escape(work_dir), 'epoch_*.pth')), key=osp.getmtime)
    newest = f' (the newest in its folder is {there[-1]})' if there else ''
    raise LaunchError(
        f'{pointer} names {named or "nothing"}, which is not there: say which checkpoint to go on '
        f'from with --resume <checkpoint>{newest}, or delete {pointer} to start anew'
    )


def add_training_hooks(cfg: Config) -> None:
    """Add :data:`TRAINING_HOOKS` where the config does not name them.

    Args:
        cfg: The run's config, which is changed.
    """
    hooks = list(cfg.get('custom_hooks') or [])
    named = {hook.get('type') for hook in hooks if isinstance(hook, Mapping)}
    named |= {type(hook).__name__ for hook in hooks}
    named |= {kind.__name__ for kind in named if isinstance(kind, type)}
    cfg.custom_hooks = hooks + [dict(type=name) for name in TRAINING_HOOKS if name not in named]
