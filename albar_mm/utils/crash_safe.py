"""A parallel map that survives tasks which kill their process, as broken videos can."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from mmengine.utils import ProgressBar

from .parallel import one_opencv_thread, prepare_worker

CHUNK = 16


def crash_safe_map(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    workers: int,
    crashed: Callable[[Any], Any],
    chunk: int = CHUNK,
) -> list[Any]:
    """Apply a function to all tasks in worker processes, with a progress bar.

    When a worker dies, the few tasks that were under way run again one at a time, so that exactly
    the task that kills its process gets ``crashed(task)``; the others go on in parallel.

    Args:
        function: Picklable function of one task.
        tasks: Picklable tasks.
        workers: Number of processes, at least 1.
        crashed: Result for a task that killed its process; what it raises ends the work.
        chunk: Tasks that a process takes at once, and by which the progress bar moves.

    Returns:
        Results in the order of the tasks.
    """
    results: list[Any] = [None] * len(tasks)
    progress = ProgressBar(len(tasks)) if tasks else None
    waiting = deque(range(i, min(i + chunk, len(tasks))) for i in range(0, len(tasks), chunk))
    with one_opencv_thread():
        while waiting:
            suspects: list[range] = []
            for span, values in _until_broken(function, tasks, waiting, workers, suspects):
                for index, value in zip(span, values, strict=True):
                    results[index] = value
                progress.update(len(span))
            one_by_one = [index for span in suspects for index in span]
            for index, value in _one_by_one(function, tasks, one_by_one, crashed):
                results[index] = value
                progress.update()
    return results


def _until_broken(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    waiting: deque[range],
    workers: int,
    suspects: list[range],
) -> Iterator[tuple[range, list[Any]]]:
    """Take spans from ``waiting``; after a crash, what was under way is put into ``suspects``."""
    running: dict[Any, range] = {}
    pool = ProcessPoolExecutor(workers, initializer=_be_silent)
    try:
        while waiting or running:
            # few at a time, so that a crash leaves few suspects
            while waiting and len(running) < 2 * workers:
                span = waiting.popleft()
                running[pool.submit(_apply, function, [tasks[i] for i in span])] = span
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                values = future.result()
                yield running.pop(future), values
    except BrokenProcessPool:
        suspects += running.values()
    finally:
        pool.shutdown(cancel_futures=True)


def _one_by_one(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    indices: Sequence[int],
    crashed: Callable[[Any], Any],
) -> Iterator[tuple[int, Any]]:
    pool = None
    try:
        for index in indices:
            pool = pool or ProcessPoolExecutor(1, initializer=_be_silent)
            try:
                yield index, pool.submit(function, tasks[index]).result()
            except BrokenProcessPool:
                pool.shutdown()
                pool = None
                yield index, crashed(tasks[index])
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def _be_silent() -> None:
    """Keep what native libraries say about broken files off the progress bar."""
    prepare_worker()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _apply(function: Callable[[Any], Any], tasks: Sequence[Any]) -> list[Any]:
    return [function(task) for task in tasks]
