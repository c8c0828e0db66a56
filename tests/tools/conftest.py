"""Running a tool in this process as a user meets it."""

import sys

import pytest

from tests.in_process import tool


@pytest.fixture
def call(capfd, monkeypatch, tmp_path):
    """Run a tool in an empty folder; return its exit status and its own lines on stderr."""
    monkeypatch.delenv('RANK', raising=False)
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.chdir(tmp_path)

    def run(name, *args):
        capfd.readouterr()
        monkeypatch.setattr(sys, 'argv', [f'{name}.py'])
        status = tool(name).main([str(arg) for arg in args])
        lines = capfd.readouterr().err.splitlines()
        return status, [line for line in lines if line.startswith(f'{name}.py: ')]

    return run
