"""Asking another Python process, so that a broken library can crash or hang without harm."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from . import _questions

TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Answer:
    """What a child process said.

    Attributes:
        value: What the question returned; None if it failed.
        error: Why it failed, in one line; empty if it did not.
        stderr: Everything it wrote to stderr, such as warnings of compiled libraries.
    """

    value: Any = None
    error: str = ''
    stderr: str = ''


def ask(question: str, *args: str, timeout_s: float = TIMEOUT_S) -> Answer:
    """Run one function of :mod:`._questions` in a child with this process's module search path.

    Args:
        question: Name of the function.
        args: Its arguments.
        timeout_s: Seconds after which the child is ended.
    """
    env = {**os.environ, _questions.PATH_VARIABLE: json.dumps(sys.path)}
    command = [sys.executable, _questions.__file__, question, *args]
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, errors='replace', timeout=timeout_s
        )
    except subprocess.TimeoutExpired:
        return Answer(error=f'no answer within {timeout_s:g} s')
    except OSError as error:
        return Answer(error=f'Python could not be started again: {error}')
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(_questions.MARK):
            return Answer(**json.loads(line[len(_questions.MARK) :]), stderr=done.stderr)
    if done.returncode < 0:
        known = {int(known): known.name for known in signal.Signals}
        name = known.get(-done.returncode, f'signal {-done.returncode}')
        return Answer(error=f'crashed ({name})', stderr=done.stderr)
    last = done.stderr.strip().splitlines()[-1:] or [f'exit status {done.returncode}']
    return Answer(error=last[0], stderr=done.stderr)
