"""Work on many source videos at once, with a progress bar, and stop at the first fault."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

import cv2
from mmengine.utils import ProgressBar

from .errors import DatasetError


def default_workers() -> int:
    """One process per core that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_videos(function: Callable[[Any], Any], tasks: Sequence[Any], workers: int) -> list[Any]:
    """Apply a function to all tasks.

    Args:
        function: Picklable function of one task, e.g. a ``partial``.
        tasks: Picklable tasks.
        workers: Number of processes; 1 stays in this one.

    Returns:
        Results in the order of the tasks, whatever the order of the work.

    Raises:
        DatasetError: A worker process was killed.
        Exception: The first one that the function raises; what is not under way is not begun.
    """
    if not tasks:
        return []
    progress = ProgressBar(len(tasks))
    results: list[Any] = [None] * len(tasks)
    try:
        if workers == 1:
            for index, task in enumerate(tasks):
                results[index] = function(task)
                progress.update()
            return results
        with (
            one_opencv_thread(),
            ProcessPoolExecutor(min(workers, len(tasks)), initializer=prepare_worker) as pool,
        ):
            running = {pool.submit(function, task): i for i, task in enumerate(tasks)}
            try:
                for future in as_completed(running):
                    results[running[future]] = future.result()
                    progress.update()
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return results
    except BrokenProcessPool as error:
        raise DatasetError(
            'a worker process was killed, perhaps for lack of memory; what is finished is kept: '
            'run the same command again, with fewer --workers'
        ) from error
    finally:
        print(flush=True)


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """While it lasts, processes can be forked: in one whose parent has threads, OpenCV dies."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def prepare_worker() -> None:
    """What a worker process does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends the work
    cv2.setNumThreads(1)  # one process per core is enough
