"""Counting the unreadable videos of a training."""

from collections import Counter
from pathlib import Path

from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner

from ...utils.errors import LaunchError
from ...utils.files import read_json_lines, write_json_lines
from ...utils.numbers import number

_FILE = 'bad_videos.jsonl'
_SHOWN = 20  # so many are named in the log; the file lists all


@HOOKS.register_module()
class BadVideoHook(Hook):
    """List the videos that :class:`RobustVideoDataset` had to replace, and stop at too many.

    The items of all processes are counted from their metainfo ``replaced``. At the end of an epoch
    the files are logged and added to ``<work_dir>/bad_videos.jsonl``, one JSON object per epoch and
    file: ``epoch`` (from 1, as in ``epoch_1.pth``), ``video``, ``reason``, ``times``. When more
    than ``max_share`` of the epoch's items were replaced, training stops before the epoch's
    checkpoint is written; one process alone stops earlier when it has seen more than that. In a
    loop by iteration, as many steps as the loader is long count as an epoch.

    Args:
        max_share: Largest share of replaced items, in [0, 1]. Defaults to 0.01.

    Raises:
        LaunchError: Too many items were replaced.

    Example:
        >>> custom_hooks = [dict(type='BadVideoHook', max_share=0.05)]
    """

    priority = 'NORMAL'  # before CheckpointHook

    def __init__(self, max_share: float = 0.01) -> None:
        self.max_share = number(max_share, 'BadVideoHook.max_share', 0, 1, error=ValueError)

    def before_train(self, runner: Runner) -> None:
        """Start counting, and keep what earlier epochs of a resumed run found."""
        self._by_iter = isinstance(runner.train_loop, IterBasedTrainLoop)
        self._steps = len(runner.train_dataloader)
        self._seen, self._bad = 0, Counter()
        path = Path(runner.work_dir) / _FILE
        done = self._epoch(runner, finished=True)
        found = [row for _, row in read_json_lines(path)] if path.is_file() else []
        self._rows = [row for row in found if row['epoch'] <= done]
        if len(self._rows) < len(found) and is_main_process():
            write_json_lines(path, self._rows)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Count the items of one step."""
        samples = data_batch.get('data_samples', ()) if isinstance(data_batch, dict) else ()
        self._seen += len(samples)
        for sample in samples:
            if 'replaced' in sample.metainfo:
                reason = sample.metainfo.get('replaced_reason', '')
                self._bad[sample.metainfo['replaced'], reason] += 1
        items = len(samples) * self._steps * runner.world_size
        if self._bad.total() > self.max_share * items:
            self._report(runner, self._seen, self._bad)
        if self._by_iter and (runner.iter + 1) % self._steps == 0:
            self._finish(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """List the unreadable videos of all processes."""
        if not self._by_iter or self._seen:
            self._finish(runner)

    def _finish(self, runner: Runner) -> None:
        parts = all_gather_object((self._seen, self._bad))
        seen, bad = sum(part[0] for part in parts), sum((part[1] for part in parts), Counter())
        self._seen, self._bad = 0, Counter()
        if bad:
            self._report(runner, seen, bad)

    def _report(self, runner: Runner, seen: int, bad: Counter) -> None:
        """List them, and stop the training where they are too many."""
        epoch, path = self._epoch(runner), Path(runner.work_dir) / _FILE
        ordered = sorted(bad.items())
        count = (
            f'epoch {epoch}: {bad.total()} of {seen} items ({bad.total() / seen:.2%}) stand in for '
            'videos that cannot be read'
        )
        if is_main_process():
            self._rows += [
                dict(epoch=epoch, video=video, reason=reason, times=times)
                for (video, reason), times in ordered
            ]
            write_json_lines(path, self._rows)
            lines = [f'  {video}: {reason}' for (video, reason), _ in ordered[:_SHOWN]]
            if len(ordered) > _SHOWN:
                lines.append(f'  and {len(ordered) - _SHOWN} more, see {path}')
            runner.logger.warning('\n'.join([f'{count} (listed in {path}):', *lines]))
        if bad.total() > self.max_share * seen:
            (video, reason), _ = ordered[0]
            raise LaunchError(
                f'{count}, more than max_share = {self.max_share:.2%}, as {video} ({reason}); all '
                f'are listed in {path}: restore them, take them out of the annotation file, or '
                'raise BadVideoHook.max_share'
            )

    def _epoch(self, runner: Runner, finished: bool = False) -> int:
        done = runner.iter // self._steps if self._by_iter else runner.epoch
        return done if finished else done + 1
