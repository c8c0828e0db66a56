"""Two gloo processes, one of them without people at times, stay together and equal."""

import torch
import torch.distributed as dist
from mmengine.model import MMDistributedDataParallel

from tests import toy_recognizers as toys
from tests.processes import in_processes

from .sdn_toys import batch, boxes, build


def trained_weights():
    # all parameters must take part in every step, or the next one fails
    model = MMDistributedDataParallel(build(), find_unused_parameters=False)
    wrapper = toys.sgd(model, lr=0.01)
    rank = dist.get_rank()
    for step in range(3):
        people = [boxes([])] * 4 if rank == step % 2 else None
        model.train_step(batch(people=people, seed=2 * step + rank), wrapper)
    return {name: p.detach() for name, p in model.module.named_parameters()}


def test_two_processes(tmp_path):
    first, second = in_processes(trained_weights, tmp_path)
    start = dict(build().named_parameters())
    for name, value in first.items():
        assert torch.equal(value, second[name])
    for name in (
        'backbone.conv',
        'cls_head.fc_cls',
        'sdn_scene_head.layers.0',
        'sdn_mask_head.layers.0',
    ):
        assert not torch.equal(first[f'{name}.weight'], start[f'{name}.weight'])
