"""Work on many videos: order, faults, killed processes, and OpenCV's threads."""

import multiprocessing
import os
import signal
import time

import cv2
import numpy as np
import pytest

from albar_mm.utils import parallel
from albar_mm.utils.errors import DatasetError
from albar_mm.utils.parallel import map_videos


def blurred(number):
    """Uses OpenCV's thread pool, where there is one."""
    image = np.full((1500, 1500), number, np.float32)
    return float(cv2.GaussianBlur(image, (31, 31), 5)[0, 0])


def fails_on_two(number):
    if number == 2:
        raise DatasetError('video 2 cannot be read')
    return number


def square_or_die(number):
    if number % 50 == 49:
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def died(number):
    return f'{number} died'


@pytest.fixture
def started_pool():
    """OpenCV has threads in this process, as after any larger picture."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    blurred(1)
    yield
    cv2.setNumThreads(before)


@pytest.mark.parametrize('workers', [1, 2, 9])
def test_results_come_in_the_order_of_the_tasks(workers, started_pool, capsys):
    assert map_videos(blurred, [3, 1, 2], workers) == pytest.approx([3, 1, 2])
    assert cv2.getNumThreads() == 2
    assert capsys.readouterr().out.endswith('\n')


def test_the_parent_has_no_threads_of_opencv_when_it_forks(started_pool, monkeypatch):
    seen = []

    class Pool(parallel.ProcessPoolExecutor):
        def __init__(self, *args, **kwargs):
            seen.append(cv2.getNumThreads())
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(parallel, 'ProcessPoolExecutor', Pool)
    map_videos(fails_on_two, [1, 3], 2)
    assert seen == [1] and cv2.getNumThreads() == 2


@pytest.mark.parametrize(('workers', 'crashed'), [(1, None), (2, None), (2, died)])
def test_the_first_fault_ends_the_work(workers, crashed, started_pool, capsys):
    with pytest.raises(DatasetError, match='video 2 cannot be read'):
        map_videos(fails_on_two, [1, 2, 3], workers, crashed)
    assert cv2.getNumThreads() == 2
    assert capsys.readouterr().out.endswith('\n')


def test_a_killed_process_is_said():
    with pytest.raises(DatasetError, match='was killed.*run the same command again'):
        map_videos(square_or_die, [1, 49, 2], 2)


@pytest.mark.parametrize(('workers', 'chunk'), [(1, 16), (3, 16), (2, 1)])
def test_tasks_that_kill_their_process_are_survived(workers, chunk):
    tasks = [*range(40, 83), 99, 149]
    wanted = [died(n) if n % 50 == 49 else n**2 for n in tasks]
    assert map_videos(square_or_die, tasks, workers, died, chunk) == wanted
    assert map_videos(square_or_die, [], workers, died) == []


def slow(folder):
    with open(f'{folder}/{os.getpid()}', 'w'):
        time.sleep(60)


def test_processes_end_with_a_parent_that_is_killed(tmp_path):
    fork = multiprocessing.get_context('fork')
    parent = fork.Process(target=map_videos, args=(slow, [str(tmp_path)] * 4, 2))
    parent.start()
    end = time.monotonic() + 60
    while len(os.listdir(tmp_path)) < 2 and time.monotonic() < end:
        time.sleep(0.1)
    workers = [int(name) for name in os.listdir(tmp_path)]
    parent.kill()
    parent.join()
    assert len(workers) == 2
    end = time.monotonic() + 20
    while any(_runs(worker) for worker in workers) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(_runs(worker) for worker in workers)


def _runs(process):
    try:
        with open(f'/proc/{process}/stat') as stream:
            return stream.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False
