"""Trainings side by side: order, failures, and nothing that goes on alone."""

import multiprocessing
import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from albar_mm.experiments import side_by_side
from albar_mm.experiments.side_by_side import Job, run_side_by_side
from albar_mm.utils.errors import LaunchError
from tests.processes import PATIENCE, forked


def wait_for(path):
    ends = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < ends, f'{path} never came'
        time.sleep(0.05)


def meet(mine, other):
    mine.write_text(str(os.getpid()))
    wait_for(other)
    print(f'{mine.name} met {other.name}')


def fail_after(path):
    wait_for(path)
    raise LaunchError('list.txt: no such file')


def sleep_as(mine, then):
    mine.write_text(str(os.getpid()))
    time.sleep(PATIENCE)
    then.write_text('slept')


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def jobs_of(folder, **works):
    return [Job(name, work, folder / name / 'output.txt') for name, work in works.items()]


def is_running(pid):
    # a process that ended stays as a zombie until its parent has asked for it
    status = Path(f'/proc/{pid}/status')
    return status.exists() and '\nState:\tZ' not in status.read_text()


def test_two_run_at_once_and_print_to_files(tmp_path):
    one, two = tmp_path / 'one', tmp_path / 'two'
    jobs = jobs_of(tmp_path / 'out', a=partial(meet, one, two), b=partial(meet, two, one))
    run_side_by_side(jobs, 2)
    assert jobs[0].output.read_text() == 'one met two\n'
    assert jobs[1].output.read_text() == 'two met one\n'
    assert len({one.read_text(), two.read_text(), str(os.getpid())}) == 3


def test_a_failure_names_its_job_and_stops_the_others(tmp_path):
    asleep, slept, begun = tmp_path / 'asleep', tmp_path / 'slept', tmp_path / 'begun'
    jobs = jobs_of(
        tmp_path,
        a=partial(sleep_as, asleep, slept),
        b=partial(fail_after, asleep),
        c=partial(sleep_as, begun, begun),
    )
    with pytest.raises(LaunchError, match=r'^b: list.txt: no such file \(output: .*b.output.txt'):
        run_side_by_side(jobs, 2)
    assert not is_running(asleep.read_text())
    assert not slept.exists() and not begun.exists()  # ended, not waited for
    assert 'Traceback' in jobs[1].output.read_text()


def test_a_killed_job_is_named_and_what_needs_it_is_not_begun(tmp_path):
    begun = tmp_path / 'begun'
    after = Job('b', partial(meet, begun, begun), tmp_path / 'b.txt', after=['a'])
    jobs = [*jobs_of(tmp_path, a=die), after]
    with pytest.raises(LaunchError, match='a: its process was killed by SIGKILL'):
        run_side_by_side(jobs, 2)
    assert not begun.exists()


def start_one(folder):
    side_by_side._PROCESSES = multiprocessing.get_context('fork')  # nothing has run here yet
    run_side_by_side(jobs_of(folder, a=partial(sleep_as, folder / 'asleep', folder / 'slept')), 1)


def test_jobs_end_with_their_parent(tmp_path):
    asleep = tmp_path / 'asleep'
    parent = forked().Process(target=start_one, args=(tmp_path,))
    parent.start()
    wait_for(asleep)
    parent.kill()
    parent.join()
    ends = time.monotonic() + PATIENCE / 2
    while is_running(asleep.read_text()):
        assert time.monotonic() < ends, 'the job outlived the program that started it'
        time.sleep(0.05)
