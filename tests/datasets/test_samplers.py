import pytest
from mmengine.dataset import DefaultSampler, InfiniteSampler

from albar_mm.datasets import DomainBatchSampler


class Groups:
    def __init__(self, groups):
        self.groups = groups

    def __len__(self):
        return len(self.groups)

    def batch_group(self, idx):
        return self.groups[idx]


def batches(groups, batch_size):
    dataset = Groups(groups)
    return DomainBatchSampler(DefaultSampler(dataset, shuffle=False, seed=0), batch_size)


@pytest.mark.parametrize('groups', ['aaabbbbbcc', 'ababcabbab', 'a'])
@pytest.mark.parametrize('batch_size', [1, 2, 3, 100])
def test_every_index_once_and_no_mixed_batch(groups, batch_size):
    sampler = batches(groups, batch_size)
    result = list(sampler)
    assert sorted(i for batch in result for i in batch) == list(range(len(groups)))
    assert all(len({groups[i] for i in batch}) == 1 for batch in result)
    assert all(0 < len(batch) <= batch_size for batch in result)
    expected = sum(-(-groups.count(g) // batch_size) for g in set(groups))
    assert len(sampler) == len(result) == expected


def test_sequential_groups_come_out_in_order():
    result = list(batches('aaaabb', 2))
    assert result == [[0, 1], [2, 3], [4, 5]]


def test_bad_arguments():
    with pytest.raises(TypeError, match=r'batch_group\(idx\).*got list'):
        DomainBatchSampler(DefaultSampler([1, 2], shuffle=False, seed=0), 2)
    for sampler in (DefaultSampler, InfiniteSampler):
        with pytest.raises(ValueError, match='shuffle=False'):
            DomainBatchSampler(sampler(Groups('ab'), shuffle=True, seed=0), 2)
    with pytest.raises(ValueError, match='batch_size: expected a whole number from 1, got 0'):
        batches('ab', 0)
