"""One command at a time in a folder: who holds it is named; it ends with its process."""

import multiprocessing
import os
import re

import pytest

from albar_mm.utils.errors import LaunchError
from albar_mm.utils.lock import sole_use, sole_user_of

FORK = multiprocessing.get_context('fork')


def hold(place, is_file, begun):
    with sole_use(place, is_file):
        worker = FORK.Process(target=begun.wait, daemon=True)  # a worker does not keep the lock
        worker.start()
        begun.set()
        worker.join()
        FORK.Event().wait()


@pytest.mark.parametrize(('name', 'is_file'), [('runs', False), ('boxes.jsonl', True)])
def test_another_process_is_kept_out_until_this_one_is_killed(tmp_path, name, is_file):
    place, begun = tmp_path / 'new' / name, FORK.Event()
    other = FORK.Process(target=hold, args=(place, is_file, begun))
    other.start()
    begun.wait(60)
    wanted = rf'is in use by .+ \(process {other.pid} on .+, since 20.+\): wait until it has ended'
    with pytest.raises(LaunchError, match=wanted), sole_use(place, is_file):
        pass
    other.kill()
    other.join()
    with sole_use(place, is_file):
        assert len(list(tmp_path.rglob('*.lock'))) == 1
    assert list(tmp_path.rglob('*.lock')) == []


def test_the_same_process_may_ask_again_and_an_empty_folder_does_not_stay(tmp_path):
    @sole_user_of('folder')
    def work(number, folder):
        with sole_use(folder):
            return number, os.listdir(folder)

    assert work(1, folder=tmp_path / 'a') == (1, ['.lock'])
    assert os.listdir(tmp_path) == []
    with sole_use(tmp_path):
        assert re.search(f'process {os.getpid()} on', (tmp_path / '.lock').read_text())


def test_other_ranks_and_places_that_take_no_file_have_none(tmp_path, monkeypatch):
    monkeypatch.setenv('RANK', '1')
    with sole_use(tmp_path):
        assert os.listdir(tmp_path) == []
    monkeypatch.setenv('RANK', '0')
    with sole_use('/proc/nowhere/at/all'):
        pass
