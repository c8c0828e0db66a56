"""Tests in several processes: one place that starts them, lets them meet, and ends them.

They are forked from a process that has imported what takes seconds, so that each costs a tenth of
a second; one that a user would start with ``torchrun`` is none of a user's Pythons, and its tests
are those of the scripts that start it.
"""

import functools
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing import connection, forkserver
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from albar_mm.engine.launch.process import leave_process_group

from .in_process import TOOLS, tool

PATIENCE = 600  # seconds; the machine may be busy
ENVIRONMENT = {
    'GLOO_SOCKET_IFNAME': 'lo' if sys.platform == 'linux' else 'lo0',
    'OMP_NUM_THREADS': '1',
    'CUDA_VISIBLE_DEVICES': '-1',  # there may be fewer GPUs than processes
}
IMPORTED = ['albar_mm.engine.launch', 'mmaction.models', 'mmaction.datasets', 'mmaction.evaluation']


@functools.cache
def forked():
    """Where processes come from: ``multiprocessing``, with a server that has imported a lot."""
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(IMPORTED)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv('PYTHONPATH', str(TOOLS.parent))
        forkserver.ensure_running()
    return context


def in_processes(work: Callable, folder: Path, *args, count: int = 2) -> list:
    """Call ``work(*args)`` in each of so many processes of one gloo group.

    They meet in a file, as a free port may be another program's by the time it is used, and start
    in a folder of their own. ``work`` is a function of a module; what it returns, which has to be
    of a kind that ``torch.load(weights_only=True)`` reads, comes back in the order of the ranks.
    """
    forked()
    meeting = Path(tempfile.mkdtemp(prefix='processes-', dir=folder))
    given = (work, str(meeting), count, args, dict(os.environ))
    options = dict(nprocs=count, join=False, start_method='forkserver')
    started = mp.start_processes(_process, given, **options)
    ends = time.monotonic() + PATIENCE
    try:
        while not started.join(timeout=5):  # raises what a process raised, and ends the others
            assert time.monotonic() < ends, f'{count} processes did not end in {PATIENCE} s'
    finally:
        _kill(started.processes)
    return [torch.load(meeting / f'{rank}.pt', weights_only=True) for rank in range(count)]


def _process(rank, work, meeting, count, args, environment):
    _take_over(meeting, environment, RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=count)
    options = dict(rank=rank, world_size=count, timeout=timedelta(seconds=PATIENCE))
    dist.init_process_group('gloo', f'file://{meeting}/store', **options)
    torch.save(work(*args), f'{rank}.pt')
    # not in a finally: after a failure this process would wait for others, and hide the failure
    leave_process_group()


def start_tool(name: str, *words: object, folder: Path, output: Path, **environment):
    """Start a tool in a process of its own, the first of a process group of the system.

    Args:
        name: Of the tool.
        words: Its arguments.
        folder: Where it runs.
        output: File for all that it prints.
        environment: Beside that of this process.
    """
    args = (name, [str(word) for word in words], folder, output, dict(os.environ), environment)
    process = forked().Process(target=_tool, args=args)
    process.start()
    return process


def _tool(name, words, folder, output, environment, further):
    os.setsid()
    _take_over(folder, environment, **further)
    with open(output, 'w') as stream:
        for number in (1, 2):
            os.dup2(stream.fileno(), number)
    sys.stdout.reconfigure(line_buffering=True)
    sys.argv = [str(TOOLS / f'{name}.py'), *words]
    sys.exit(tool(name).main(words))


def tool_in_processes(name: str, *words: object, folder: Path, count: int = 2):
    """Run a tool in so many processes, which meet as those of ``torchrun`` do.

    Returns:
        ``subprocess.CompletedProcess``: the exit status of the first that failed, or 0, and what
        all printed, one process after the other.
    """
    # as torchrun's: it is there before the processes are, and until all have ended
    store = dist.TCPStore('127.0.0.1', 0, is_master=True, wait_for_workers=False)
    meeting = Path(tempfile.mkdtemp(prefix='processes-', dir=folder))
    outputs = [meeting / f'{rank}.txt' for rank in range(count)]
    processes = [
        start_tool(
            name,
            *words,
            '--launcher',
            'pytorch',
            folder=folder,
            output=output,
            RANK=rank,
            LOCAL_RANK=rank,
            WORLD_SIZE=count,
            MASTER_ADDR='127.0.0.1',
            MASTER_PORT=store.port,
            TORCHELASTIC_USE_AGENT_STORE=True,
            TORCHELASTIC_RESTART_COUNT=0,
        )
        for rank, output in enumerate(outputs)
    ]
    ends, failed = time.monotonic() + PATIENCE, 0
    try:
        while running := [process for process in processes if process.is_alive()]:
            if failed := next((p.exitcode for p in processes if p.exitcode), 0):
                break  # the others may wait for it
            assert time.monotonic() < ends, f'{count} processes did not end in {PATIENCE} s'
            connection.wait([process.sentinel for process in running], timeout=5)
    finally:
        _kill(processes)
    failed = failed or next((p.exitcode for p in processes if p.exitcode), 0)
    printed = ''.join(output.read_text() for output in outputs)
    return subprocess.CompletedProcess([name, *words], failed, printed)


def _take_over(folder, environment, **further):
    """What a process has that a user starts; PyTorch has read its number of threads already."""
    os.environ.clear()
    os.environ.update(environment | ENVIRONMENT | {k: str(v) for k, v in further.items()})
    os.chdir(folder)
    torch.set_num_threads(1)


def _kill(processes):
    for process in processes:
        if process.is_alive():
            process.kill()
