"""Keeping freed memory."""

import os
import platform
import subprocess
import sys

import pytest

from albar_mm.engine.launch import process

COUNT = """
import importlib.util, resource, sys
import numpy as np
spec = importlib.util.spec_from_file_location('process', sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
assert module.keep_freed_memory()
def clip():
    frames = [np.ones((256, 341, 3), np.uint8) for _ in range(32)]
    return np.stack(frames)
clip()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    clip()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_settings_of_the_user_stand(monkeypatch):
    monkeypatch.setenv('MALLOC_TRIM_THRESHOLD_', '131072')
    assert process.keep_freed_memory() is False


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='a setting of glibc')
def test_memory_of_a_clip_is_not_fetched_anew_for_the_next():
    environment = {k: v for k, v in os.environ.items() if not k.startswith('MALLOC_')}
    command = [sys.executable, '-c', COUNT, process.__file__]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert int(done.stdout) < 2500  # 25,000 where each of ten clips is fetched anew
