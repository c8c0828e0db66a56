"""Several trainings at once, each in a process of its own."""

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import torch
from mmengine.logging import print_log

from ..utils.errors import LaunchError, one_line
from ..utils.parallel import end_with_parent

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
    waiting, done, slots = list(jobs), set(), list(range(at_once))
    running: dict[int, tuple[Job, int, multiprocessing.process.BaseProcess, Connection]] = {}
    try:
        while waiting or running:
            ready = [job for job in waiting if done.issuperset(job.after)]
            for job in ready[: len(slots)]:
                waiting.remove(job)
                slot = slots.pop(0)
                process, answer = _start(job, slot, at_once)
                running[process.sentinel] = job, slot, process, answer
            for sentinel in wait(list(running)):
                job, slot, process, answer = running.pop(sentinel)
                process.join()
                failure = _failure(process.exitcode, answer)
                if failure:
                    raise LaunchError(f'{job.name}: {failure} (output: {job.output})')
                slots.append(slot)
                done.add(job.name)
                print_log(f'=== {len(done)} of {len(jobs)} done: {job.name}', logger='current')
    finally:
        for _, _, process, _ in running.values():
            process.terminate()
        for _, _, process, _ in running.values():
            process.join()


def _start(
    job: Job, slot: int, at_once: int
) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    print_log(f'=== {job.name} begins; its output: {job.output}', logger='current')
    job.output.parent.mkdir(parents=True, exist_ok=True)
    receiver, sender = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_child, args=(job, slot, at_once, sender), daemon=False)
    process.start()
    sender.close()
    return process, receiver


def _failure(code: int, answer: Connection) -> str:
    if not code:
        return ''
    try:
        return answer.recv()
    except EOFError:  # it had no time to say why
        how = f'was killed by {signal.Signals(-code).name}' if code < 0 else f'ended with {code}'
        return (
            f'its process {how}; where memory ran out, use fewer jobs. The same command goes on '
            'from the last epoch'
        )


def _child(job: Job, slot: int, at_once: int, sender: Connection) -> None:
    end_with_parent()
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
