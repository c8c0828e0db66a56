"""Watching static bias while a recogniser trains."""

import logging
from collections.abc import Mapping
from typing import Any

from mmaction.registry import DATASETS, HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import IterBasedTrainLoop, Runner

from ...datasets import StaticPairDataset
from ._static_probe import StaticProbe

PREFIX = 'static_probe'


@HOOKS.register_module()
class StaticProbeHook(Hook):
    """Measure static bias on a fixed held-out set during training, for any recogniser.

    Works for plain recognisers too, so that a baseline and ALBAR can be compared. The training
    goes on as if the hook were not there: weights, BatchNorm statistics, random states and the
    modes of all layers are bit for bit the same. (Its time counts as ``data_time`` of the next
    iteration.) Written to the log and, with the iteration as ``step``, to the visualizer
    (``scalars.json``):

    - ``static_probe/top1``: accuracy on static clips, percent;
    - ``static_probe/entropy``: of the prediction for static clips, nats, in [0, log K];
    - ``static_probe/cross_entropy``: of static clips, nats, >= 0 (at most 88 per clip);
    - ``static_probe/clip_top1``: accuracy on the clips themselves, percent;
    - ``static_probe/contrast``: clip right and its own static clip wrong, percent.

    Probes run before training, at every interval and after training. If a score is not finite
    nothing is written and a warning says so. ``tools/plot_stability.py`` draws the curves.

    Args:
        interval: Probe every so many epochs or iterations.
        by_epoch: Whether ``interval`` counts epochs (default) or iterations.
        num_videos: At most so many videos, drawn once from ``seed``; None for all.
        dataset: Config of the held-out videos: a :class:`StaticPairDataset`, or a video dataset
            with ``test_mode=True``, which is wrapped in one. Default: the dataset of
            ``val_dataloader``. Never name a test set here if the curves are to choose anything.
        batch_size: Samples (two per video) in a forward pass of each process. Default: that of
            ``val_dataloader``, or 8 with a ``dataset`` of its own.
        num_workers: Loading processes; 0 (default) loads in the training process.
        at_start: Whether to probe before the first iteration.
        seed: Chooses the videos.

    Raises:
        ValueError: For an illegal argument, or before training, if there is no held-out set of
            clips and static clips, or epochs are counted in an iteration-based loop.

    Example:
        >>> custom_hooks = [dict(type='StaticProbeHook', interval=100, by_epoch=False,
        ...                      num_videos=32)]
    """

    # After the logger, so that an interval's training line comes first.
    priority = 'LOW'

    def __init__(
        self,
        interval: int = 1,
        by_epoch: bool = True,
        num_videos: int | None = 64,
        dataset: Mapping[str, Any] | None = None,
        batch_size: int | None = None,
        num_workers: int = 0,
        at_start: bool = True,
        seed: int = 0,
    ) -> None:
        given = dict(interval=interval, num_videos=num_videos, batch_size=batch_size)
        for key, value in given.items():
            if value is None and key != 'interval':
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f'StaticProbeHook.{key} must be an integer > 0, got {value!r}')
        self.interval = interval
        self.by_epoch = by_epoch
        self.num_videos = num_videos
        self.dataset = dataset
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.at_start = at_start
        self.seed = seed
        self._probe: StaticProbe | None = None
        self._probed_at: int | None = None

    def before_train(self, runner: Runner) -> None:
        """Find the held-out set and probe the untrained state; a resumed run has that already."""
        if self.by_epoch and isinstance(runner.train_loop, IterBasedTrainLoop):
            raise ValueError(
                'StaticProbeHook counts epochs, but the training loop is '
                'iteration-based: set by_epoch=False and interval in iterations'
            )
        dataset, batch_size = self._held_out(runner)
        dataset.full_init()
        self._probe = StaticProbe(
            dataset, self.num_videos, self.batch_size or batch_size, self.num_workers, self.seed
        )
        if self.at_start and runner.iter == 0:
            self._run(runner, 0)
        self._probed_at = runner.iter

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Probe at the interval in iterations."""
        if not self.by_epoch and self.every_n_train_iters(runner, self.interval):
            self._run(runner, runner.iter + 1)

    def after_train_epoch(self, runner: Runner) -> None:
        """Probe at the interval in epochs."""
        if self.by_epoch and self.every_n_epochs(runner, self.interval):
            self._run(runner, runner.iter)

    def after_train(self, runner: Runner) -> None:
        """Probe the final state if it has not been."""
        if self._probed_at != runner.iter:
            self._run(runner, runner.iter)

    def _held_out(self, runner: Runner) -> tuple[StaticPairDataset, int]:
        """The dataset and the batch size that goes with it."""
        if self.dataset is not None:
            dataset = DATASETS.build(dict(self.dataset))
            if not isinstance(dataset, StaticPairDataset):
                dataset = StaticPairDataset(dataset)
            return dataset, 8
        loader = runner.val_dataloader if runner.val_loop is not None else None
        if loader is None or not isinstance(loader.dataset, StaticPairDataset):
            found = 'there is none' if loader is None else f'is a {type(loader.dataset).__name__}'
            raise ValueError(
                'StaticProbeHook needs held-out videos: wrap the dataset of '
                f'val_dataloader (now: {found}) in StaticPairDataset, or give '
                'StaticProbeHook a dataset of its own'
            )
        return loader.dataset, loader.batch_size or 8

    def _run(self, runner: Runner, step: int) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        scores, broken = self._probe.measure(model)
        self._probed_at = step
        if broken:
            print_log(
                f'Static probe at iteration {step}: {broken} of the samples of '
                f'{self._probe.num_videos} videos have scores that are not finite, so '
                'nothing is written',
                'current',
                logging.WARNING,
            )
            return
        text = ', '.join(f'{key} {value:.4g}' for key, value in scores.items())
        print_log(
            f'Static probe at iteration {step} ({self._probe.num_videos} videos): {text}', 'current'
        )
        # The second file is where the logger hook writes, too.
        runner.visualizer.add_scalars(
            {f'{PREFIX}/{key}': value for key, value in scores.items()},
            step=step,
            file_path=f'{runner.timestamp}.json',
        )
