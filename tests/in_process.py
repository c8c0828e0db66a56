"""Running a tool of ``tools/`` in this process: what a new one prints, without its import of torch.

A few tests still start processes: signals, ``torchrun``, an installed wheel, a fresh interpreter.
"""

import contextlib
import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

TOOLS = Path(__file__).resolve().parents[1] / 'tools'


def tool(name):
    """A tool as a module, imported as Python does when it runs the file."""
    if str(TOOLS) not in sys.path:
        sys.path.append(str(TOOLS))  # not first: downstream.py would hide the package
    spec = importlib.util.spec_from_file_location(f'tool_{name}', TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_tool(name, *words, folder='.'):
    """Run ``tools/<name>.py`` with these words in a folder, as a user does.

    Returns:
        ``subprocess.CompletedProcess`` with the exit status and what it printed.
    """
    out, err = io.StringIO(), io.StringIO()
    argv = [str(TOOLS / f'{name}.py'), *map(str, words)]
    with (
        _inside(folder),
        mock.patch.object(sys, 'argv', argv),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            status = tool(name).main(argv[1:])
        except SystemExit as stop:  # of argparse
            status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return subprocess.CompletedProcess(argv, status or 0, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _inside(folder):
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
