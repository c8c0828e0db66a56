"""Several trainings at once, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

import torch
from mmengine.logging import print_log

from ..utils.errors import LaunchError, one_line

_PROCESSES = multiprocessing.get_context('spawn')  # forked threads of OpenMP do not survive


@dataclass(frozen=True)
class Job:
    """One piece of work.

    Attributes:
        name: What messages call it.
        work: The work; it is pickled, and so is a function of a module or a ``partial`` of one.
        output: File to which its prints go.
        after: Names of jobs that have to be done before; they stand before it in the list.
    """

    name: str
    work: Callable[[], object]
    output: Path
    after: Sequence[str] = ()


def run_side_by_side(jobs: Sequence[Job], at_once: int) -> None:
    """Run jobs, so many at once, in the order given.

    The processor's cores are shared out among them, and so are the GPUs, one for each job in turn.

    Args:
        jobs: What to do.
        at_once: How many run at the same time.

    Raises:
        LaunchError: A job failed. The others are stopped, and no further one is begun.
        KeyboardInterrupt: As is; all jobs are stopped first.
    """
    slots: SimpleQueue[int] = SimpleQueue()
    for slot in range(at_once):
        slots.put(slot)
    running: dict[str, multiprocessing.process.BaseProcess] = {}
    futures: dict[str, Future] = {}
    stopped = threading.Event()
    done = count(1)

    def run(job: Job) -> None:
        needed = [futures[name] for name in job.after]
        wait(needed)
        if stopped.is_set() or any(future.exception() for future in needed):
            return
        slot = slots.get()
        print_log(f'=== {job.name} begins; its output: {job.output}', logger='current')
        try:
            _run(job, slot, at_once, running, stopped)
        finally:
            slots.put(slot)
        print_log(f'=== {next(done)} of {len(jobs)} done: {job.name}', logger='current')

    with ThreadPoolExecutor(at_once) as pool:
        try:
            for job in jobs:
                futures[job.name] = pool.submit(run, job)
            finished, _ = wait(futures.values(), return_when=FIRST_EXCEPTION)
            for future in finished:
                future.result()
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(running.values()):
                process.terminate()


def _run(job: Job, slot: int, at_once: int, running: dict, stopped: threading.Event) -> None:
    job.output.parent.mkdir(parents=True, exist_ok=True)
    receiver, sender = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_child, args=(job, slot, at_once, sender), daemon=False)
    process.start()
    running[job.name] = process
    if stopped.is_set():  # while it was being started
        process.terminate()
    sender.close()
    try:
        failure = receiver.recv()
    except EOFError:
        failure = None
    process.join()
    del running[job.name]
    if failure is None and process.exitcode:
        code = process.exitcode
        how = f'was killed by {signal.Signals(-code).name}' if code < 0 else f'ended with {code}'
        failure = (
            f'its process {how}; where memory ran out, use fewer jobs. The same command goes on '
            'from the last epoch'
        )
    if failure:
        raise LaunchError(f'{job.name}: {failure} (output: {job.output})')


def _child(job: Job, slot: int, at_once: int, sender: Connection) -> None:
    _end_with_parent()
    torch.set_num_threads(max(1, torch.get_num_threads() // at_once))
    if (gpus := torch.cuda.device_count()) > 1:
        torch.cuda.set_device(slot % gpus)
    with job.output.open('a', encoding='utf-8') as output:
        # not sys.stdout alone: libraries and the processes of data loaders write to the descriptors
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    sys.stdout.reconfigure(line_buffering=True)
    try:
        job.work()
    except Exception as error:
        traceback.print_exc()
        sender.send(one_line(error))
        sys.exit(1)


def _end_with_parent() -> None:
    """End this process when the parent is gone, or two runs would write to one folder."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
