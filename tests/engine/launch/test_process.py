"""Keeping freed memory."""

import os
import platform
import subprocess
import sys

import pytest

from albar_mm.engine.launch.process import keep_freed_memory

COUNT = """
import resource, sys
import numpy as np
from albar_mm.engine.launch.process import keep_freed_memory
if sys.argv[1] == 'keep':
    assert keep_freed_memory()
def clip():
    frames = [np.ones((256, 341, 3), np.uint8) for _ in range(32)]
    return np.stack(frames)
clip()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    clip()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep):
    environment = {k: v for k, v in os.environ.items() if not k.startswith('MALLOC_')}
    done = subprocess.run(
        [sys.executable, '-c', COUNT, keep],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='a setting of glibc')
def test_memory_of_a_clip_is_not_fetched_anew_for_the_next():
    kept, given_back = faults('keep'), faults('default')
    assert kept < 0.1 * given_back


def test_settings_of_the_user_stand(monkeypatch):
    monkeypatch.setenv('MALLOC_TRIM_THRESHOLD_', '131072')
    assert keep_freed_memory() is False
