"""Malformed input: an exit status, one line that names the file, and nothing left behind."""

import contextlib
import itertools
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from tests.in_process import TOOLS, run_tool

from .commands import COMMANDS, GROUPS
from .inputs import names, spoil

SEED, FAST, ALONE = 20, 200, 100
SECONDS, PATIENCE, GIB = 20, 120, 3  # each case may take; a hang is waited for; memory
CASES = {
    f'{command}-{file}-{name}': (command, file, name)
    for command, given in COMMANDS.items()
    for file, (kind, places) in given.files.items()
    for name in names(kind, places)
    if name.partition('@')[0] not in given.fine
}


def _drawn(cases, count):
    """So many of them, of every file some."""
    files = {}
    for case in random.Random(SEED).sample(cases, len(cases)):
        files.setdefault(CASES[case][:2], []).append(case)
    turns = filter(None, itertools.chain(*itertools.zip_longest(*files.values())))
    return sorted(itertools.islice(turns, count))


SLOW = ('doctor', 'anomaly', 'tal', 'compare')
_SWIFT = sorted(case for case, (command, *_) in CASES.items() if command not in SLOW)
DEFAULT = _drawn(_SWIFT, FAST)
PROCESSES = _drawn(sorted({*CASES} - {*DEFAULT}), ALONE)


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
    """The files of a group, copied; temporary files lie beside them."""

    def of(command):
        folder = tmp_path / 'here'
        shutil.copytree(groups(command.group), folder)
        (tmp_path / 'temporary').mkdir()
        monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'temporary'))
        monkeypatch.setenv('TMPDIR', str(tmp_path / 'temporary'))
        return folder

    return of


def files(folder):
    """Files below a folder, with their time of last change and size."""
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_mtime_ns, path.lstat().st_size)
        for path in folder.rglob('*')
        if '__pycache__' not in path.parts and not path.is_dir()
    }


@contextlib.contextmanager
def memory():
    """No more than ``GIB`` above what the process has."""
    has = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (has + (GIB << 30), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@contextlib.contextmanager
def watched(path):
    """Who waits for a pipe is let go after a while: what it then reads is empty."""
    handle, late = os.open(path, os.O_RDWR), []
    timer = threading.Timer(PATIENCE, lambda: late.append(os.close(handle)))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    assert not late, 'it waited for a pipe'
    os.close(handle)


def fault_of(command, file, done, folder, before):
    """What is wrong with how a command failed; '' if nothing."""
    text, now = done.stdout + done.stderr, files(folder)
    own = [row for row in done.stderr.splitlines() if re.match(rf'{command.tool}\.py[ \w]*: ', row)]
    told_elsewhere = command.tool == 'doctor' or done.returncode == 3 or 'verify' in command.words
    said = text if told_elsewhere else ''.join(own)
    changed = [name for name in now if before.get(name) != now[name]]
    left = [name for name in changed if not name.startswith(command.left)]
    for wrong, what in (
        (not done.returncode, 'it went well'),
        ('Traceback' in text, 'a trace'),
        (len(own) != 1 and not told_elsewhere, f'{len(own)} lines'),
        ('--debug shows' in said, 'an error that nobody expected'),
        (not re.search(rf'{re.escape(Path(file).stem)}|victim', said), 'the file is not named'),
        (left, f'left behind: {left[:3]}'),
        (list(folder.with_name('temporary').glob('tmp*')), 'temporary files stay'),
    ):
        if wrong:
            return f'{what}: {said[-600:]}'
    return ''


def cpu_seconds():
    """Of this process and those that it waited for: the machine may be busy."""
    return sum(
        sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )


def check(case, place, run, watch=watched):
    """Spoil a file, run the command, look at what it says and leaves."""
    name, file, what = CASES[case]
    command = COMMANDS[name]
    folder = place(command)
    spoil(folder / file, command.files[file][0], what, random.Random(f'{SEED} {case}'))
    before, started = files(folder), cpu_seconds()
    with watch(folder / file) if what == 'fifo' else contextlib.nullcontext():
        done = run(command, folder)
    assert name == 'doctor' or cpu_seconds() - started < SECONDS, 'it takes too long'
    assert not (fault := fault_of(command, file, done, folder, before)), fault


def inside(command, folder):
    with memory():
        return run_tool(command.tool, *command.words, folder=folder)


def alone(command, folder):
    limit = (GIB + 8 << 30,) * 2  # PyTorch and its threads have 6 GiB of addresses
    return subprocess.run(
        [sys.executable, TOOLS / f'{command.tool}.py', *command.words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit),
    )


@pytest.mark.parametrize('name', sorted({*COMMANDS} - {'doctor'}))
def test_the_commands_work(name, place):
    command = COMMANDS[name]
    if command.works:
        done = run_tool(command.tool, *command.words, folder=place(command))
        assert done.returncode in (0, 3), done.stderr


@pytest.mark.parametrize('case', DEFAULT)
def test_some(case, place):
    check(case, place, inside)


@pytest.mark.slow
@pytest.mark.parametrize('case', sorted({*CASES} - {*DEFAULT, *PROCESSES}))
def test_the_others(case, place):
    check(case, place, inside)


@pytest.mark.slow
@pytest.mark.parametrize('case', PROCESSES)
def test_in_processes_of_their_own(case, place):
    """As a user runs them; here nobody lets go of who waits for a pipe."""
    check(case, place, alone, contextlib.nullcontext)
