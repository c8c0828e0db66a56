"""The parallel map gives every result, whatever a task does to its process."""

import os
import signal

import pytest

from albar_mm.utils.crash_safe import CHUNK, crash_safe_map


def square_or_die(number):
    if number % 50 == 49:
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def square_or_raise(number):
    if number == 3:
        raise ValueError('three')
    return number**2


def died(number):
    return f'{number} died'


@pytest.mark.parametrize('workers', [1, 3])
def test_tasks_that_kill_their_process(workers):
    tasks = list(range(5 * CHUNK + 3))
    wanted = [died(n) if n in (49,) else n**2 for n in tasks]
    assert crash_safe_map(square_or_die, tasks, workers, died) == wanted


def test_several_crashes_and_no_task():
    tasks = [49, 99, 1, 149]
    assert crash_safe_map(square_or_die, tasks, 2, died) == ['49 died', '99 died', 1, '149 died']
    assert crash_safe_map(square_or_die, [], 2, died) == []


def test_an_error_is_no_crash():
    with pytest.raises(ValueError, match='three'):
        crash_safe_map(square_or_raise, list(range(5)), 2, died)
