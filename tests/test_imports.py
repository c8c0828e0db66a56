"""What importing the package does not bring along."""

import subprocess
import sys

HEAVY = ('torch._dynamo', 'matplotlib', 'pandas', 'sklearn', 'scipy.io', 'jinja2')


def test_heavy_libraries_wait_until_they_are_used():
    # a process of its own: here they are all there already
    code = f'import sys, albar_mm; print(*[m for m in {HEAVY} if m in sys.modules])'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
