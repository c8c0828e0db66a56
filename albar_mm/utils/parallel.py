"""Work on many videos at once: one pool of processes, with a progress bar."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from typing import Any

import cv2
from mmengine.utils import ProgressBar

from .errors import DatasetError

_Span = tuple[range, list[Any]]
# what Python 3.14 takes by default would import everything again in every process
PROCESSES = multiprocessing.get_context('fork' if sys.platform == 'linux' else 'spawn')


def default_workers() -> int:
    """One process per core that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_videos(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    workers: int,
    crashed: Callable[[Any], Any] | None = None,
    chunk: int = 1,
) -> list[Any]:
    """Apply a function to all tasks. The processes end when this one ends, however it does.

    Args:
        function: Picklable function of one task, e.g. a ``partial``.
        tasks: Picklable tasks.
        workers: Number of processes; 1 without ``crashed`` stays in this one.
        crashed: Result for a task that kills its process, as broken videos can; what it raises
            ends the work. When a process dies, the few tasks that were under way run again one at
            a time, so that exactly the one to blame is found; the others go on in parallel. What
            native libraries say about broken files is kept off the terminal.
        chunk: Tasks that a process takes at once, and by which the progress bar moves.

    Returns:
        Results in the order of the tasks, whatever the order of the work.

    Raises:
        DatasetError: A process was killed, and ``crashed`` is not given.
        Exception: The first one that the function raises; what is not under way is not begun.
    """
    if not tasks:
        return []
    progress = ProgressBar(len(tasks))
    results: list[Any] = [None] * len(tasks)
    try:
        with closing(_results(function, tasks, workers, crashed, chunk)) as found:
            for span, values in found:
                results[span.start : span.stop] = values
                progress.update(len(span))
        return results
    finally:
        print(flush=True)  # the bar leaves the cursor on its line


def _results(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    workers: int,
    crashed: Callable[[Any], Any] | None,
    chunk: int,
) -> Generator[_Span, None, None]:
    if workers == 1 and crashed is None:
        for index, task in enumerate(tasks):
            yield range(index, index + 1), [function(task)]
        return
    waiting = deque(range(i, min(i + chunk, len(tasks))) for i in range(0, len(tasks), chunk))
    workers, silent = min(workers, len(waiting)), crashed is not None
    with one_opencv_thread():
        while waiting:
            # few at a time, so that a crash leaves few suspects
            suspects = yield from _until_broken(
                function, tasks, waiting, workers, 2 * workers, silent
            )
            if suspects and crashed is None:
                raise DatasetError(
                    'a worker process was killed, perhaps for lack of memory; what is finished is '
                    'kept: run the same command again, with fewer --workers'
                )
            alone = deque(range(i, i + 1) for span in suspects for i in span)
            while alone:
                for span in (yield from _until_broken(function, tasks, alone, 1, 1, silent)):
                    yield span, [crashed(tasks[span.start])]


def _until_broken(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    waiting: deque[range],
    workers: int,
    at_once: int,
    silent: bool,
) -> Generator[_Span, None, list[range]]:
    """Do the spans of ``waiting``; returns those that were under way when a process died."""
    running: dict[Future, range] = {}
    pool = ProcessPoolExecutor(workers, PROCESSES, _begin_worker, (silent,))
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                span = waiting[0]
                running[pool.submit(_apply, function, tasks[span.start : span.stop])] = span
                waiting.popleft()
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                values = future.result()
                yield running.pop(future), values
    except BrokenProcessPool:
        return list(running.values())
    finally:
        pool.shutdown(cancel_futures=True)
    return []


def _apply(function: Callable[[Any], Any], tasks: Sequence[Any]) -> list[Any]:
    return [function(task) for task in tasks]


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """While it lasts, processes can be forked: in one whose parent has threads, OpenCV dies."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def prepare_worker(*_: object) -> None:
    """What a worker process does first: it takes one core, and ends with the process it is of."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends the work
    cv2.setNumThreads(1)  # one process per core is enough
    end_with_parent()


def _begin_worker(silent: bool) -> None:
    prepare_worker()
    if silent:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def end_with_parent() -> None:
    """End this process when the one that started it is gone, which cannot say so when killed."""
    parent, above = multiprocessing.parent_process(), os.getppid()

    def watch() -> None:
        # the parent's pipe may be open in other processes; above it may stand a server of forks
        while parent.is_alive() and os.getppid() == above:
            parent.join(0.3)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
