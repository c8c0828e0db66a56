"""Resuming training by epochs only from where it can be resumed."""

from bisect import bisect

from mmaction.registry import HOOKS
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from ...utils.errors import LaunchError

_VALIDATED = 'validated_epoch'


@HOOKS.register_module()
class EpochResumeHook(Hook):
    """Refuse what MMEngine 0.10.7 resumes wrongly, and make up for a validation that was lost.

    A loop by epoch restarts its epoch after a checkpoint within it, but keeps the iteration, so
    schedules run ahead and samples are seen twice. Hence checkpoints by iteration are refused
    under such a loop, when configured and when resumed from; so are checkpoints without the
    optimiser's state (``best_*.pth``), whose run would go on with a fresh optimiser.

    MMEngine writes an epoch's checkpoint before the epoch is validated. A run that was killed in
    between validates first when it is resumed, so that the best checkpoint and schedules that
    follow a metric are those of an uninterrupted run.

    Raises:
        LaunchError: Before training; the message says which checkpoint to use.

    Example:
        >>> custom_hooks = [dict(type='EpochResumeHook')]
    """

    priority = 'LOWEST'  # the validation needs every other hook to be ready

    _has_optimizer = True
    _steps_then: int | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note what the checkpoint holds."""
        self._has_optimizer = 'optimizer' in checkpoint
        info = checkpoint.get('message_hub', {}).get('runtime_info', {})
        iters, epochs = info.get('max_iters'), info.get('max_epochs')
        self._steps_then = iters // epochs if iters and epochs else None

    def before_train(self, runner: Runner) -> None:
        """Check the hooks and the checkpoint, and validate the epoch that was not."""
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            return
        if any(isinstance(hook, CheckpointHook) and not hook.by_epoch for hook in runner.hooks):
            raise LaunchError(
                'CheckpointHook(by_epoch=False) under EpochBasedTrainLoop: such checkpoints cannot '
                'be resumed; set default_hooks.checkpoint.by_epoch=True, or train with '
                'IterBasedTrainLoop'
            )
        steps = len(runner.train_dataloader)
        counts = (runner.cfg.get('optim_wrapper') or {}).get('accumulative_counts', 1)
        if steps % counts:
            runner.logger.warning(
                f'An epoch of {steps} steps ends within {counts} accumulated steps, and a '
                'checkpoint holds no gradients: a resumed run will differ by a part of one step'
            )
        if runner.iter > 0:
            self._check_checkpoint(runner, steps)
            if self._lacks_validation(runner):
                runner.logger.info(f'Epoch {runner.epoch} was not validated yet')
                runner.val_loop.run()

    def before_val_epoch(self, runner: Runner) -> None:
        """Note the epoch for the checkpoint that a better validation writes."""
        runner.message_hub.update_info(_VALIDATED, runner.epoch)

    def _check_checkpoint(self, runner: Runner, steps: int) -> None:
        steps_then = self._steps_then or steps
        name = runner.cfg.get('load_from') or f'the latest checkpoint in {runner.work_dir}'
        if runner.iter != runner.epoch * steps_then:
            raise LaunchError(
                f'{name} was written after {runner.iter} steps, not at the end of one of its '
                f'epochs of {steps_then} steps, and cannot be resumed from: use an epoch_<n>.pth'
            )
        if not self._has_optimizer:
            raise LaunchError(
                f'{name} holds no optimiser state, so training cannot go on from it: resume from '
                'an epoch_<n>.pth, or start a new training with load_from=<checkpoint>'
            )
        if steps != steps_then:
            runner.logger.warning(
                f'The resumed epochs had {steps_then} steps and now have {steps} (other batch '
                'size, number of processes or training set): the result will differ from a run '
                'without interruption'
            )

    @staticmethod
    def _lacks_validation(runner: Runner) -> bool:
        loop, epoch = runner.train_loop, runner.epoch
        if runner.val_loop is None or epoch < loop.val_begin:
            return False
        interval = loop.dynamic_intervals[bisect(loop.dynamic_milestones, epoch + 1) - 1]
        due = epoch % interval == 0 or epoch == loop.max_epochs
        return due and runner.message_hub.get_info(_VALIDATED) != epoch
