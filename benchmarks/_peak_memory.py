"""Program of one fresh process: print the bytes that two training steps add at their peak."""

import json
import sys
from pathlib import Path

import torch
from _steps import Step, setting

STEPS = 2  # the second has the optimiser's state from the start


def resident_bytes(field: str) -> int:
    """Resident memory of this process.

    Args:
        field: ``'VmRSS'`` (now) or ``'VmHWM'`` (peak). Not ``ru_maxrss``, which on Linux starts at
            the size of the parent that launched this process.
    """
    try:
        status = Path('/proc/self/status').read_text(encoding='utf-8')
    except OSError as error:
        raise RuntimeError(
            'peak memory on CPU is read from /proc/self/status, which is not there: '
            'measure it on Linux, or set --memory-repeats 0'
        ) from error
    line = next(line for line in status.splitlines() if line.startswith(f'{field}:'))
    return int(line.split()[1]) * 1024


def main(request: str) -> int:
    """Measure.

    Args:
        request: JSON object with ``name``, ``variant``, ``batch_size``, ``device`` and ``static``.
    """
    asked = json.loads(request)
    device = asked['device']
    step = Step(
        asked['variant'], setting(asked['name']), asked['batch_size'], device, asked['static']
    )
    on_gpu = device.startswith('cuda')
    if on_gpu:
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device) if on_gpu else resident_bytes('VmRSS')
    for _ in range(STEPS):
        step()
    if on_gpu:
        torch.cuda.synchronize(device)
    peak = torch.cuda.max_memory_allocated(device) if on_gpu else resident_bytes('VmHWM')
    return peak - before


if __name__ == '__main__':
    print(main(sys.argv[1]))
