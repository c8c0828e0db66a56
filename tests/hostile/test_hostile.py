"""Malformed input: an exit status, one line that names the file, and nothing left behind."""

import contextlib
import os
import random
import re
import resource
import shutil
import tempfile
import threading
import time
from pathlib import Path

import pytest

from tests.in_process import run_tool

from .commands import COMMANDS, GROUPS
from .inputs import names, spoil

SEED, FAST, SECONDS = 20, 200, 20
CASES = sorted(
    f'{command}-{file}-{name}'
    for command, given in COMMANDS.items()
    for file, (kind, places) in given.files.items()
    for name in names(kind, places)
    if name.partition('@')[0] not in given.fine
)


@pytest.fixture(scope='session')
def groups(tmp_path_factory):
    made = {}

    def of(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            GROUPS[name](made[name])
        return made[name]

    return of


@pytest.fixture
def place(groups, tmp_path, monkeypatch):
    """The files of a group, copied."""

    def of(command):
        folder = tmp_path / 'here'
        shutil.copytree(groups(command.group), folder)
        (tmp_path / 'temporary').mkdir()
        monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'temporary'))
        return folder

    return of


def files(folder):
    """What lies there, but what cannot be told apart: time of last change and size."""
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_mtime_ns, path.lstat().st_size)
        for path in folder.rglob('*')
        if '__pycache__' not in path.parts and not path.is_dir()
    }


@contextlib.contextmanager
def memory(gib=3):
    """No more memory than this above what the process has."""
    has = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (has + (gib << 30), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def fault_of(command, file, done, folder, before):
    """What is wrong with how a command failed; '' if nothing."""
    text, new = done.stdout + done.stderr, files(folder)
    own = [
        line for line in done.stderr.splitlines() if re.match(rf'{command.tool}\.py[ \w]*: ', line)
    ]
    told_elsewhere = command.tool == 'doctor' or done.returncode == 3 or 'verify' in command.words
    said = text if told_elsewhere else ''.join(own)
    changed = [name for name in new if before.get(name) != new[name]]
    left = [name for name in changed if not name.startswith(command.left)]
    for wrong, what in (
        (not done.returncode, 'it went well'),
        ('Traceback' in text, 'a trace'),
        (len(own) != 1 and not told_elsewhere, f'{len(own)} lines'),
        ('--debug shows' in said, 'an error that nobody expected'),
        (not re.search(rf'{re.escape(Path(file).stem)}|victim', said), 'the file is not named'),
        (left, f'left behind: {left[:3]}'),
        (list(folder.parent.joinpath('temporary').iterdir()), 'temporary files stay'),
    ):
        if wrong:
            return f'{what}: {said[-600:]}'
    return ''


@pytest.mark.parametrize('name', sorted(n for n, c in COMMANDS.items() if c.works))
def test_the_commands_work(name, place):
    command = COMMANDS[name]
    done = run_tool(command.tool, *command.words.split(), folder=place(command))
    assert done.returncode in (0, 3), done.stderr


@pytest.mark.parametrize('case', CASES)
def test_hostile(case, place):
    name, rest = case.split('-', 1)
    file, what = rest.rsplit('-', 1)
    command = COMMANDS[name]
    folder = place(command)
    spoil(folder / file, command.files[file][0], what, random.Random(f'{SEED} {case}'))
    before = files(folder)
    handle, timer = None, None
    if what == 'fifo':  # who waits for it is let go, and fails
        handle = os.open(folder / file, os.O_RDWR)
        timer = threading.Timer(8, os.close, [handle])
        timer.start()
    started = time.monotonic()
    with memory():
        done = run_tool(command.tool, *command.words.split(), folder=folder)
    if timer:
        timer.cancel()
        assert time.monotonic() - started < 8, 'waited for a pipe'
        os.close(handle)
    assert time.monotonic() - started < SECONDS
    assert not (fault := fault_of(command, file, done, folder, before)), fault
