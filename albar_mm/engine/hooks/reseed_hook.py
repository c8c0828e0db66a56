"""Random numbers that depend on (seed, rank, worker, epoch) alone, so that a run can be resumed."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from ...models.utils.rng import preserved_rng
from ...utils.errors import LaunchError

_STREAMS = dict(process=0, loader=1, iteration=2)


def derived_seed(stream: str, seed: int, rank: int, worker: int, progress: int) -> int:
    """Mix the place and time of a random stream into one seed.

    Args:
        stream: ``'process'``, ``'loader'`` or ``'iteration'``.
        seed: Seed of the run, >= 0.
        rank: Process of a distributed run.
        worker: Data-loader worker; 0 where there is none.
        progress: Epoch, or iteration, from 0.

    Returns:
        An integer in [0, 2**32).
    """
    # always five words: numpy takes a missing last word for a zero
    words = [seed, _STREAMS[stream], rank, worker, progress]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint32)[0])


def _seed(seed: int, seed_torch: Callable[[int], object]) -> None:
    random.seed(seed)
    np.random.seed(seed)
    seed_torch(seed)


class _SeededItems:
    """Fetches the items of a batch from random numbers of the loader's own.

    It stands as ``dataset.__getitems__``, which PyTorch asks for all items of a batch, in the
    worker where there are workers. Workers that outlive an epoch learn of the next one from a
    number in shared memory: when it is set, at the start of an epoch, they are idle. Without
    workers the loader's numbers are kept apart from those of the training step.
    """

    def __init__(self, dataset: Dataset, seed: int, rank: int) -> None:
        fetch = getattr(dataset, '__getitems__', None)
        self.dataset = dataset
        self.fetch_batch = fetch.fetch_batch if isinstance(fetch, _SeededItems) else fetch
        self.seed, self.rank = seed, rank
        self.epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self._seeded_for: int | None = None
        self._state: tuple | None = None

    def __call__(self, indices: Sequence[int]) -> list[Any]:
        worker = get_worker_info()
        if worker is not None:
            self._follow_epoch(worker.id)
            return self._fetch(indices)
        with preserved_rng('cpu'):
            if not self._follow_epoch(0):
                python_state, numpy_state, torch_state = self._state
                random.setstate(python_state)
                np.random.set_state(numpy_state)
                torch.set_rng_state(torch_state)
            items = self._fetch(indices)
            self._state = (random.getstate(), np.random.get_state(), torch.get_rng_state())
        return items

    def _follow_epoch(self, worker: int) -> bool:
        epoch = int(self.epoch)
        if self._seeded_for == epoch:
            return False
        seed = derived_seed('loader', self.seed, self.rank, worker, epoch)
        _seed(seed, torch.default_generator.manual_seed)
        self._seeded_for = epoch
        return True

    def _fetch(self, indices: Sequence[int]) -> list[Any]:
        if self.fetch_batch is not None:
            return self.fetch_batch(indices)
        return [self.dataset[index] for index in indices]


@HOOKS.register_module()
class ReseedHook(Hook):
    """Make every epoch draw the same random numbers, whether or not the run was resumed before it.

    Loops by epoch: at the start of each training epoch, and again before its first step (starting
    the loader's workers draws a number), Python, numpy and torch are seeded from (seed, rank,
    epoch). The loader's workers are seeded from (seed, rank, worker, epoch) at the first batch
    that they load in the epoch, also with ``persistent_workers=True``; with ``num_workers=0`` the
    items draw from a stream of their own, as those of worker 0.

    Loops by iteration: the process is seeded before each step from (seed, rank, iteration).
    MMEngine resumes such a loop by loading all earlier batches again, and its workers start before
    any hook runs, so they keep MMEngine's seeds.

    Weights are then bit-equal on a CPU. On a GPU the kernels must be deterministic too
    (``--deterministic``).

    Raises:
        LaunchError: The run is resumed with another seed than it was started with: the order of
            the samples would differ.

    Example:
        >>> custom_hooks = [dict(type='ReseedHook')]
    """

    priority = 'VERY_HIGH'
    _items: _SeededItems | None = None

    def before_run(self, runner: Runner) -> None:
        """Remember the seed that the sampler was built with."""
        self._sampler_seed = runner.seed

    def before_train(self, runner: Runner) -> None:
        """Give the training set its own random numbers."""
        if runner.seed != self._sampler_seed:  # Runner.resume takes over the checkpoint's seed
            raise LaunchError(
                f'the checkpoint was trained with seed {runner.seed}, this run was started with '
                f'seed {self._sampler_seed}: resume it with --seed {runner.seed} '
                f'(randomness=dict(seed={runner.seed}) in the config)'
            )
        self._by_iter = isinstance(runner.train_loop, IterBasedTrainLoop)
        loader = runner.train_dataloader
        if self._by_iter and loader.num_workers:
            return
        if loader.batch_sampler is None or isinstance(loader.dataset, IterableDataset):
            runner.logger.warning(
                'ReseedHook: the training set is not loaded in batches by index, so its random '
                'numbers are not seeded by epoch; a resumed run may differ'
            )
            return
        self._items = _SeededItems(loader.dataset, runner.seed, runner.rank)
        loader.dataset.__getitems__ = self._items

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed the process, and tell the loader's workers the epoch."""
        if self._by_iter:
            return
        if self._items is not None:
            self._items.epoch.fill_(runner.epoch)
        self._seed_process('process', runner, runner.epoch)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Seed the process before an epoch's first step, or each step of a loop by iteration."""
        if self._by_iter:
            self._seed_process('iteration', runner, runner.iter)
        elif batch_idx == 0:
            self._seed_process('process', runner, runner.epoch)

    @staticmethod
    def _seed_process(stream: str, runner: Runner, progress: int) -> None:
        seed = derived_seed(stream, runner.seed, runner.rank, 0, progress)
        _seed(seed, torch.manual_seed)  # all devices
