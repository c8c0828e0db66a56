"""Tests in several processes: one place that starts them, lets them meet, and ends them."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from albar_mm.engine.launch.process import leave_process_group

PATIENCE = 600  # seconds; every process imports torch first, on a machine that may be busy
ENVIRONMENT = {
    'GLOO_SOCKET_IFNAME': 'lo' if sys.platform == 'linux' else 'lo0',
    'OMP_NUM_THREADS': '1',
    'CUDA_VISIBLE_DEVICES': '-1',  # there may be fewer GPUs than processes
}


def in_processes(work: Callable, folder: Path, *args, count: int = 2) -> list:
    """Call ``work(*args)`` in each of so many processes of one gloo group.

    They meet in a file, as a free port may be another program's by the time it is used, and start
    in a folder of their own. ``work`` is a function of a module; what it returns, which has to be
    of a kind that ``torch.load(weights_only=True)`` reads, comes back in the order of the ranks.
    """
    meeting = Path(tempfile.mkdtemp(prefix='processes-', dir=folder))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        started = mp.start_processes(
            _process,
            (work, str(meeting), count, args),
            nprocs=count,
            join=False,
            start_method='spawn',
        )
    ends = time.monotonic() + PATIENCE
    try:
        while not started.join(timeout=5):  # raises what a process raised, and ends the others
            assert time.monotonic() < ends, f'{count} processes did not end in {PATIENCE} s'
    finally:
        for process in started.processes:
            if process.is_alive():
                process.kill()
    return [torch.load(meeting / f'{rank}.pt', weights_only=True) for rank in range(count)]


def _process(rank: int, work: Callable, meeting: str, count: int, args: tuple) -> None:
    os.chdir(meeting)
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(count))  # as torchrun
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo',
        f'file://{meeting}/store',
        rank=rank,
        world_size=count,
        timeout=timedelta(seconds=PATIENCE),
    )
    torch.save(work(*args), f'{rank}.pt')
    # not in a finally: after a failure this process would wait for others, and hide the failure
    leave_process_group()


def torchrun(folder: Path, *words: object, count: int = 2) -> subprocess.CompletedProcess:
    """Run a program in so many processes, as a user does; the caller looks at the exit status."""
    command = [
        sys.executable,
        '-m',
        'torch.distributed.run',
        '--standalone',
        f'--nproc_per_node={count}',
        *map(str, words),
    ]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
