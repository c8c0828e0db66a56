"""Work on many videos: order, faults, and OpenCV's threads."""

import os

import cv2
import numpy as np
import pytest

from albar_mm.utils import parallel
from albar_mm.utils.errors import DatasetError


def blurred(number):
    """Uses OpenCV's thread pool, where there is one."""
    image = np.full((1500, 1500), number, np.float32)
    return float(cv2.GaussianBlur(image, (31, 31), 5)[0, 0])


def fails_on_two(number):
    if number == 2:
        raise DatasetError('video 2 cannot be read')
    return number


def dies(number):
    os._exit(1)


@pytest.fixture
def started_pool():
    """OpenCV has threads in this process, as after any larger picture."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    blurred(1)
    yield
    cv2.setNumThreads(before)


@pytest.mark.parametrize('workers', [1, 2, 9])
def test_results_come_in_the_order_of_the_tasks(workers, started_pool):
    assert parallel.map_videos(blurred, [3, 1, 2], workers) == pytest.approx([3, 1, 2])
    assert cv2.getNumThreads() == 2


def test_the_parent_has_no_threads_of_opencv_when_it_forks(started_pool, monkeypatch):
    seen = []

    class Pool(parallel.ProcessPoolExecutor):
        def __init__(self, *args, **kwargs):
            seen.append(cv2.getNumThreads())
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(parallel, 'ProcessPoolExecutor', Pool)
    parallel.map_videos(fails_on_two, [1, 3], 2)
    assert seen == [1] and cv2.getNumThreads() == 2


@pytest.mark.parametrize('workers', [1, 2])
def test_the_first_fault_ends_the_work(workers, started_pool):
    with pytest.raises(DatasetError, match='video 2 cannot be read'):
        parallel.map_videos(fails_on_two, [1, 2, 3], workers)
    assert cv2.getNumThreads() == 2


def test_a_killed_process_is_said():
    with pytest.raises(DatasetError, match='was killed.*run the same command again'):
        parallel.map_videos(dies, [1, 2], 2)


def test_nothing_to_do():
    assert parallel.map_videos(dies, [], 2) == []
