"""Two gloo processes give the gradient of one process on the whole batch."""

import torch
import torch.distributed as dist
from mmengine.model import MMDistributedDataParallel

from tests import toy_recognizers as toys
from tests.processes import in_processes

LABELS, FRAMES = [0, 1, 2, 1], [0, 3, 1, 2]
SHAPE = (1, 3, 4, 16, 16)


def build(with_cp):
    return toys.build(backbone=dict(toys.SWIN, with_cp=with_cp), cls_head=toys.head(12))


def half_batch(rank):
    data = toys.batch(LABELS, FRAMES, shape=SHAPE)
    part = slice(2 * rank, 2 * rank + 2)
    return dict(inputs=data['inputs'][part], data_samples=data['data_samples'][part])


def weights_and_gradients():
    """Without and with checkpointing, name to the weight and its gradient after two steps."""
    found = []
    for with_cp in (False, True):
        model = MMDistributedDataParallel(build(with_cp), find_unused_parameters=False)
        wrapper = toys.sgd(model, lr=0.1)
        for _ in range(2):  # a second step fails if the first left the reducer in doubt
            model.train_step(half_batch(dist.get_rank()), wrapper)
        found.append({n: (p.detach(), p.grad) for n, p in model.module.named_parameters()})
    return found


def test_two_processes_equal_one(tmp_path):
    ranks = in_processes(weights_and_gradients, tmp_path)
    single = build(False)
    wrapper = toys.sgd(single, lr=0.1)
    for _ in range(2):
        single.train_step(toys.batch(LABELS, FRAMES, shape=SHAPE), wrapper)
    for saved in (found for rank in ranks for found in rank):
        for name, parameter in single.named_parameters():
            weights, grad = saved[name]
            torch.testing.assert_close(grad, parameter.grad, atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(weights, parameter.detach(), atol=1e-5, rtol=1e-4)
