import random
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.runner import EpochBasedTrainLoop
from torch.utils.data import DataLoader, Dataset, get_worker_info

from albar_mm.engine.hooks.reseed_hook import ReseedHook, derived_seed
from albar_mm.utils.errors import LaunchError
from tests.e2e.test_albar_train import run


class Draws(Dataset):
    """Every item says who drew it and what."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        worker = get_worker_info()
        drawn = torch.rand((), dtype=torch.float64).item()
        return worker.id if worker else 0, random.random(), np.random.rand(), drawn


def training(loader, epoch=0, seed=3, rank=0):
    """As much of a runner as the hook looks at."""
    loop = EpochBasedTrainLoop.__new__(EpochBasedTrainLoop)
    return SimpleNamespace(
        train_loop=loop, train_dataloader=loader, epoch=epoch, iter=0, seed=seed, rank=rank
    )


def loader_of(workers, persistent=False):
    return DataLoader(
        Draws(), batch_size=2, num_workers=workers, persistent_workers=persistent, collate_fn=list
    )


def epochs_of(loader, epochs, **kwargs):
    """Items of each epoch, as the hook makes them."""
    runner, hook = training(loader, **kwargs), ReseedHook()
    hook.before_run(runner)
    hook.before_train(runner)
    seen = {}
    for runner.epoch in epochs:
        hook.before_train_epoch(runner)
        seen[runner.epoch] = [item for batch in loader for item in batch]
    return seen


def test_seeds_differ_and_another_one_is_refused_on_resume():
    parts = list(product(('process', 'loader', 'iteration'), *[range(3)] * 4))
    assert len({derived_seed(*part) for part in parts}) == len(parts)
    assert all(0 <= derived_seed(*part) < 2**32 for part in parts)
    runner, hook = training(loader_of(0), seed=0), ReseedHook()
    hook.before_run(runner)
    runner.seed = 7  # what Runner.resume takes over from the checkpoint
    with pytest.raises(LaunchError, match='trained with seed 7.*resume it with --seed 7'):
        hook.before_train(runner)


@pytest.mark.parametrize('persistent', [True, False])
def test_workers_draw_from_seed_rank_worker_and_epoch(persistent):
    """Each worker's stream is that of a generator made from its seed, also if it lives on."""
    seen = epochs_of(loader_of(2, persistent), [0, 1, 2], rank=1)
    for epoch, worker in product(range(3), range(2)):
        seed = derived_seed('loader', 3, 1, worker, epoch)
        ours = [item[1:] for item in seen[epoch] if item[0] == worker]
        python, generator = random.Random(seed), torch.Generator().manual_seed(seed)
        numpy = np.random.RandomState(seed)
        drawn = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
        assert ours == [(python.random(), numpy.rand(), number) for number in drawn]
    # a run that starts with the third epoch
    assert epochs_of(loader_of(2, persistent), [2], rank=1)[2] == seen[2]
    assert epochs_of(loader_of(2, persistent), [2], rank=0)[2] != seen[2]


def test_without_workers_loading_leaves_the_training_steps_numbers_alone():
    """No draw of the loader moves the process's state, nor the other way round."""
    loader = loader_of(0)
    runner, hook = training(loader, epoch=4), ReseedHook()
    hook.before_run(runner)
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    items, states = [], []
    for batch in loader:
        items += batch
        states.append((torch.rand(1).item(), np.random.rand(), random.random()))
    hook.before_train_epoch(runner)
    again = [(torch.rand(1).item(), np.random.rand(), random.random()) for _ in states]
    # iterating over a loader draws one number of torch, before the first step
    hook.before_train_iter(runner, 0)
    step = [torch.rand(1).item() for _ in states]
    assert [state[1:] for state in states] == [state[1:] for state in again]
    assert step == [state[0] for state in again]
    assert items == epochs_of(loader_of(0), [4])[4]
    # a dataset with its own batches keeps them
    loader.dataset.__getitems__ = lambda indices: [f'item {index}' for index in indices]
    assert epochs_of(loader, [0])[0] == [f'item {index}' for index in range(8)]


def train(work_dir, by_epoch, **changes):
    pipeline = [dict(type='PackActionInputs'), dict(type='StaticClip')]
    sampler = 'DefaultSampler' if by_epoch else 'InfiniteSampler'
    loader = dict(batch_size=6, num_workers=int(by_epoch), persistent_workers=by_epoch)
    loader |= dict(drop_last=True, sampler=dict(type=sampler, shuffle=True))
    loader['dataset'] = dict(type='ToySquares', pipeline=pipeline)
    saving = dict(type='CheckpointHook', by_epoch=by_epoch, interval=2 if by_epoch else 5)
    more = dict(train_dataloader=loader, default_hooks=dict(checkpoint=saving), **changes)
    if not by_epoch:
        more['train_cfg'] = dict(type='IterBasedTrainLoop', max_iters=12)
    return run(work_dir, 4, [dict(type='ReseedHook')], more, dropout=0.5)


@pytest.mark.parametrize('by_epoch, checkpoint', [(True, 'epoch_2.pth'), (False, 'iter_5.pth')])
def test_resumed_weights_are_bit_equal(tmp_path, by_epoch, checkpoint):
    """A network with BatchNorm and dropout, random static frames."""
    whole = train(tmp_path / 'whole', by_epoch)
    again = dict(resume=True, load_from=str(tmp_path / 'whole' / checkpoint))
    resumed = train(tmp_path / 'resumed', by_epoch, **again)
    assert resumed.iter == whole.iter > 0
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
