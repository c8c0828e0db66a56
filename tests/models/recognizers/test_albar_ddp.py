"""Two gloo processes give the gradient of one process on the whole batch."""

import itertools
import os
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.model import MMDistributedDataParallel

from tests import toy_recognizers as toys

LABELS, FRAMES = [0, 1, 2, 1], [0, 3, 1, 2]
SHAPE = (1, 3, 4, 16, 16)


def build(with_cp):
    return toys.build(backbone=dict(toys.SWIN, with_cp=with_cp), cls_head=toys.head(12))


def half_batch(rank):
    data = toys.batch(LABELS, FRAMES, shape=SHAPE)
    part = slice(2 * rank, 2 * rank + 2)
    return dict(inputs=data['inputs'][part], data_samples=data['data_samples'][part])


def worker(rank, out):
    os.environ.setdefault('GLOO_SOCKET_IFNAME', 'lo')
    torch.set_num_threads(1)
    # a file, as a free port may be another test's by now
    dist.init_process_group('gloo', f'file://{out}.store', rank=rank, world_size=2)
    try:
        for with_cp in (False, True):
            model = MMDistributedDataParallel(build(with_cp), find_unused_parameters=False)
            wrapper = toys.sgd(model, lr=0.1)
            for _ in range(2):  # a second step fails if the first left the reducer in doubt
                model.train_step(half_batch(rank), wrapper)
            torch.save({n: (p.detach(), p.grad) for n, p in model.module.named_parameters()},
                       f'{out}.{rank}.{with_cp}')
    finally:
        dist.destroy_process_group()


def test_two_processes_equal_one(tmp_path):
    out = str(tmp_path / 'grads')
    processes = mp.spawn(worker, (out,), nprocs=2, join=False)
    deadline = time.monotonic() + 180
    while not processes.join(timeout=5):  # a process that hangs must not hang the whole run
        if time.monotonic() > deadline:
            for process in processes.processes:
                process.kill()
            raise AssertionError('the two processes did not finish within three minutes')

    single = build(False)
    wrapper = toys.sgd(single, lr=0.1)
    for _ in range(2):
        single.train_step(toys.batch(LABELS, FRAMES, shape=SHAPE), wrapper)
    for rank, with_cp in itertools.product(range(2), (False, True)):
        saved = torch.load(f'{out}.{rank}.{with_cp}', weights_only=True)
        for name, parameter in single.named_parameters():
            weights, grad = saved[name]
            torch.testing.assert_close(grad, parameter.grad, atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(weights, parameter.detach(), atol=1e-5, rtol=1e-4)
