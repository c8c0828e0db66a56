"""Two gloo processes, one of them without people at times, stay together and equal."""

import os
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.model import MMDistributedDataParallel

from tests import toy_recognizers as toys

from .sdn_toys import batch, boxes, build


def worker(rank, out):
    os.environ.setdefault('GLOO_SOCKET_IFNAME', 'lo')
    torch.set_num_threads(1)
    # a file, as a free port may be another test's by now
    dist.init_process_group('gloo', f'file://{out}.store', rank=rank, world_size=2)
    try:
        # all parameters must take part in every step, or the next one fails
        model = MMDistributedDataParallel(build(), find_unused_parameters=False)
        wrapper = toys.sgd(model, lr=0.01)
        for step in range(3):
            people = [boxes([])] * 4 if rank == step % 2 else None
            model.train_step(batch(people=people, seed=2 * step + rank), wrapper)
        torch.save({n: p.detach() for n, p in model.module.named_parameters()}, f'{out}.{rank}')
    finally:
        dist.destroy_process_group()


def test_two_processes(tmp_path):
    out = str(tmp_path / 'weights')
    processes = mp.spawn(worker, (out,), nprocs=2, join=False)
    deadline = time.monotonic() + 180
    while not processes.join(timeout=5):  # a process that hangs must not hang the whole run
        if time.monotonic() > deadline:
            for process in processes.processes:
                process.kill()
            raise AssertionError('the two processes did not finish within three minutes')
    first, second = (torch.load(f'{out}.{rank}', weights_only=True) for rank in range(2))
    start = dict(build().named_parameters())
    for name, value in first.items():
        assert torch.equal(value, second[name])
    for name in ('backbone.conv', 'cls_head.fc_cls', 'sdn_scene_head.layers.0',
                 'sdn_mask_head.layers.0'):
        assert not torch.equal(first[f'{name}.weight'], start[f'{name}.weight'])
