"""What ``import albar_mm`` costs beyond MMAction2's own import, in processor time.

Example:
    python benchmarks/import_time.py --runs 5
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

# the released mmaction2 1.2.0 lacks a package that it imports
_STAND_IN = """
import sys, types
name = 'mmaction.models.localizers.drn'
package, module = types.ModuleType(name), types.ModuleType(name + '.drn')
package.__path__, package.drn, module.DRN = [], module, object
sys.modules.update({name: package, name + '.drn': module})
"""
HOST = f'{_STAND_IN}\nimport mmaction.models, mmaction.datasets'
OURS = 'import albar_mm'
_TIME = 'import time; print(time.process_time())'


def processor_seconds(code: str) -> float:
    """Processor time of a fresh process that runs this code, in s.

    Args:
        code: Python.
    """
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, '-W', 'ignore', '-c', f'{code}\n{_TIME}']
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    """Measure both, one after the other, and print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--runs', type=int, default=5, help='processes of each (default: 5)')
    runs = parser.parse_args().runs
    for code in (HOST, OURS):  # from a cold disk the first run takes longer
        processor_seconds(code)
    pairs = [(processor_seconds(HOST), processor_seconds(OURS)) for _ in range(runs)]
    host, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f'mmaction.models, mmaction.datasets   {host:.2f} s')
    print(f'albar_mm                             {ours:.2f} s')
    print(f'difference {ours - host:.2f} s, ratio {ours / host:.2f}')


if __name__ == '__main__':
    main()
