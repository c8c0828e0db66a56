"""Batches for test sets whose views differ in shape."""

from collections import Counter
from collections.abc import Hashable, Iterator

from mmaction.registry import DATA_SAMPLERS
from torch.utils.data import BatchSampler, Sampler

from ..utils.numbers import number


@DATA_SAMPLERS.register_module()
class DomainBatchSampler(BatchSampler):
    """Group samples into batches of one domain each, in the order of the sampler.

    Test sets may use different views (say 3 crops for IID and 1 for SCUBA). MMEngine zero-pads
    samples of unlike shape to a common one without a word, so they must not share a batch. The
    dataset says what belongs together through ``batch_group(idx)``. Every index of the sampler
    comes exactly once; the last batch of a group may be smaller.

    For evaluation only: under DDP the processes may get different numbers of batches, which test
    loops do not mind and training does.

    Args:
        sampler: a finite sampler without shuffling whose ``dataset`` has ``batch_group``, such as
            ``DefaultSampler(shuffle=False)``.
        batch_size: largest number of samples in a batch.

    Raises:
        TypeError: if the dataset has no ``batch_group``.
        ValueError: if the sampler shuffles, or if ``batch_size`` is not positive.

    Example config::

        sampler=dict(type='DefaultSampler', shuffle=False),
        batch_sampler=dict(type='DomainBatchSampler')
    """

    def __init__(self, sampler: Sampler, batch_size: int) -> None:
        number(batch_size, 'DomainBatchSampler.batch_size', 1, whole=True, error=ValueError)
        dataset = getattr(sampler, 'dataset', None)
        if not hasattr(dataset, 'batch_group'):
            raise TypeError(
                'DomainBatchSampler needs a dataset with batch_group(idx), such as '
                f'BiasBenchmarkDataset, got {type(dataset).__name__}'
            )
        # also true of mmengine's InfiniteSampler by default, over which no test would end
        if getattr(sampler, 'shuffle', False):
            raise ValueError('DomainBatchSampler is for evaluation; set shuffle=False')
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = False
        self._group_of = dataset.batch_group

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the indices of one batch after the other."""
        waiting: dict[Hashable, list[int]] = {}
        for index in self.sampler:
            group = self._group_of(index)
            waiting.setdefault(group, []).append(index)
            if len(waiting[group]) == self.batch_size:
                yield waiting.pop(group)
        yield from waiting.values()

    def __len__(self) -> int:
        """Number of batches on this process."""
        sizes = Counter(self._group_of(index) for index in self.sampler)
        return sum(-(-size // self.batch_size) for size in sizes.values())
