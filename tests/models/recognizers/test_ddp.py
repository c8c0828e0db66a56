"""Two gloo processes: ALBAR has the gradient of one process, those of SDN stay equal."""

import pytest
import torch
import torch.distributed as dist
from mmengine.model import MMDistributedDataParallel

from tests import toy_recognizers as toys
from tests.processes import in_processes

from . import sdn_toys

LABELS, FRAMES = [0, 1, 2, 1], [0, 3, 1, 2]
SHAPE = (1, 3, 4, 16, 16)


def albar(with_cp=False):
    return toys.build(backbone=dict(toys.SWIN, with_cp=with_cp), cls_head=toys.head(12))


def half_batch(rank):
    data = toys.batch(LABELS, FRAMES, shape=SHAPE)
    part = slice(2 * rank, 2 * rank + 2)
    return dict(inputs=data['inputs'][part], data_samples=data['data_samples'][part])


def trained():
    """Of ALBAR, without and with checkpointing, weights and gradients; of SDN weights."""
    found = []
    for with_cp in (False, True):
        model = MMDistributedDataParallel(albar(with_cp), find_unused_parameters=False)
        wrapper = toys.sgd(model, lr=0.1)
        for _ in range(2):  # a second step fails if the first left the reducer in doubt
            model.train_step(half_batch(dist.get_rank()), wrapper)
        found.append({n: (p.detach(), p.grad) for n, p in model.module.named_parameters()})
    # all parameters must take part in every step, or the next one fails
    model = MMDistributedDataParallel(sdn_toys.build(), find_unused_parameters=False)
    wrapper = toys.sgd(model, lr=0.01)
    rank = dist.get_rank()
    for step in range(3):
        people = [sdn_toys.boxes([])] * 4 if rank == step % 2 else None  # nobody, at times
        model.train_step(sdn_toys.batch(people=people, seed=2 * step + rank), wrapper)
    return found, {name: p.detach() for name, p in model.module.named_parameters()}


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    return in_processes(trained, tmp_path_factory.mktemp('ranks'))


def test_two_processes_of_albar_equal_one(ranks):
    single = albar()
    wrapper = toys.sgd(single, lr=0.1)
    for _ in range(2):
        single.train_step(toys.batch(LABELS, FRAMES, shape=SHAPE), wrapper)
    for saved in (found for rank in ranks for found in rank[0]):
        for name, parameter in single.named_parameters():
            weights, grad = saved[name]
            torch.testing.assert_close(grad, parameter.grad, atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(weights, parameter.detach(), atol=1e-5, rtol=1e-4)


def test_two_processes_of_sdn_stay_equal(ranks):
    first, second = (rank[1] for rank in ranks)
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    start = dict(sdn_toys.build().named_parameters())
    heads = ('sdn_scene_head.layers.0', 'sdn_mask_head.layers.0')
    for name in ('backbone.conv', 'cls_head.fc_cls', *heads):
        assert not torch.equal(first[f'{name}.weight'], start[f'{name}.weight'])
