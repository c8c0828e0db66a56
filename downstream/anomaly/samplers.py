"""Batches with as many normal as anomalous videos."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from mmaction.registry import DATA_SAMPLERS
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler


@DATA_SAMPLERS.register_module()
class BalancedAnomalySampler(Sampler):
    """Batches of as many normal as anomalous videos, normal ones first.

    Both kinds are shuffled anew every epoch; where one has fewer videos, it begins again (shuffled)
    until the other is through, so that every video is used. The official code of MGFN zips two
    lists in their fixed order and drops what is left of the last batch.

    Use it as ``batch_sampler=dict(type='BalancedAnomalySampler', batch_size=32)``; under
    distributed training each process takes its share of the batches.

    Args:
        sampler: Of the data loader; its dataset has ``labels()``.
        batch_size: Videos of a batch, an even number: half of each kind.
        seed: Of the order; by default one that all processes share.
        drop_last: Leave out a last batch that is not full; else it is filled up.

    Raises:
        ValueError: An odd batch size, or there are no videos of a kind.
    """

    def __init__(
        self, sampler: Sampler, batch_size: int, seed: int | None = None, drop_last: bool = False
    ) -> None:
        if batch_size < 2 or batch_size % 2:
            raise ValueError(
                f'batch_size is {batch_size}; expected an even number: half of a '
                'batch is normal, half anomalous'
            )
        dataset = sampler.dataset
        labels = np.asarray(dataset.labels())
        self.kinds = [np.flatnonzero(labels == label) for label in (0, 1)]
        if not all(map(len, self.kinds)):
            raise ValueError(
                f'{len(self.kinds[0])} normal and {len(self.kinds[1])} anomalous '
                'videos; expected some of both'
            )
        self.sampler, self.half, self.drop_last = sampler, batch_size // 2, drop_last
        self.batch_size = batch_size
        self.seed = sync_random_seed() if seed is None else seed
        self.rank, self.world_size = get_dist_info()

    def __iter__(self) -> Iterator[list[int]]:
        # MMEngine tells the sampler of a loader which epoch it is
        random = np.random.default_rng([self.seed, getattr(self.sampler, 'epoch', 0)])
        total = len(self) * self.world_size * self.half
        orders = [_repeated(kind, total, random) for kind in self.kinds]
        for number in range(self.rank, len(self) * self.world_size, self.world_size):
            part = slice(number * self.half, (number + 1) * self.half)
            yield [*orders[0][part].tolist(), *orders[1][part].tolist()]

    def __len__(self) -> int:
        longest = max(map(len, self.kinds))
        batches = longest // self.half if self.drop_last else -(-longest // self.half)
        return max(
            1, batches // self.world_size if self.drop_last else -(-batches // self.world_size)
        )


def _repeated(kind: np.ndarray, total: int, random: np.random.Generator) -> np.ndarray:
    rounds = [random.permutation(kind) for _ in range(-(-total // len(kind)))]
    return np.concatenate(rounds)[:total]
