"""Speed and memory of TriDet at the size of THUMOS14 against the published network.

All in one run, with equal weights and data, in rounds that run each network once, right after each
other, in an order that changes:

- forward: one sequence of 2304 snippets without gradients, to the outputs of all heads;
- step: padding, targets, losses and gradients of two sequences;
- memory: what each adds at its peak, in a process of its own.

Outputs of the forward passes are compared (losses differ by the noise and stochastic depth of
training; that they are equal without them is tested). Targets: at most 1.03 times the published
time, and no more memory.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

import _command  # noqa: E402
from _run import progress, run_benchmark  # noqa: E402

TARGET = 1.03
WORKS = ('forward', 'step')
EXAMPLES = """\
examples:
  python benchmarks/tridet_step.py
  python benchmarks/tridet_step.py --peer TriDet --out benchmarks/results/tridet_step.json
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add('--peer', type=Path, metavar='FOLDER', help='clone of TriDet; without it ours alone')
    add('--channels', type=int, default=2048, help='of the features (default: 2048)')
    add('--rounds', type=int, default=9, help='times that all is measured (default: 9)')
    add('--out', help='JSON file to write, e.g. benchmarks/results/tridet_step.json')
    args = parser.parse_args(argv)
    if min(args.rounds, args.channels) < 1:
        parser.error('--rounds and --channels must be at least 1')
    return args


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure all and return the document that ``--out`` writes."""
    import torch
    from _tridet_peer import works

    from albar_mm.utils.identity import library_versions

    networks = works(args.peer, args.channels)
    progress('comparing, and warming up')
    outputs = [each['forward']() for each in networks.values()]
    losses = {name: each['step']() for name, each in networks.items()}
    largest = max(
        (
            float((one - other).abs().max())
            for one, other in zip(outputs[0], outputs[-1], strict=True)
        ),
        default=0.0,
    )
    seconds: dict[str, dict[str, list[float]]] = {
        work: {name: [] for name in networks} for work in WORKS
    }
    for number in range(args.rounds):
        for work in WORKS:
            for name in list(networks)[:: -1 if number % 2 else 1]:
                started = time.perf_counter()
                networks[name][work]()
                seconds[work][name].append(time.perf_counter() - started)
            progress(
                f'round {number + 1}/{args.rounds}, {work}: '
                + ', '.join(f'{name} {times[-1]:.2f} s' for name, times in seconds[work].items())
            )
    memory = {work: {name: _peak(args, name, work) for name in networks} for work in WORKS}
    return dict(
        device='cpu',
        threads=torch.get_num_threads(),
        channels=args.channels,
        largest_difference_of_outputs=largest,
        losses=losses,
        seconds=seconds,
        peak_bytes=memory,
        versions=library_versions(),
    )


def _peak(args: argparse.Namespace, network: str, work: str) -> int:
    request = dict(
        repository=str(args.peer) if args.peer else None,
        channels=args.channels,
        network=network,
        work=work,
    )
    # large blocks go back to the system when freed, so that resident memory is what is in use
    env = dict(os.environ, MALLOC_MMAP_THRESHOLD_='65536', MALLOC_ARENA_MAX='1')
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name('_tridet_peer.py')), json.dumps(request)],
        capture_output=True,
        text=True,
        env=env,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ['no message'])[-1]
        raise RuntimeError(f'measuring the memory of {work}, {network}, failed: {last}')
    found = int(done.stdout.splitlines()[-1])
    progress(f'peak memory of {work}, {network}: {found / 2**20:.0f} MiB')
    return found


def report(document: dict[str, Any]) -> str:
    """Medians, paired ratios and memory as a table."""
    networks = list(document['seconds']['step'])
    lines = [
        f'TriDet, 2304 snippets, {document["channels"]} channels, {document["threads"]} '
        'threads; medians'
    ]
    for work, times in document['seconds'].items():
        for name in networks:
            lines.append(
                f'  {work:8} {name:10}{statistics.median(times[name]):8.3f} s'
                f'{document["peak_bytes"][work][name] / 2**20:8.0f} MiB'
            )
    if len(networks) == 1:
        return '\n'.join([*lines, 'nothing to compare with: name a clone of TriDet (--peer)'])
    for work, times in document['seconds'].items():
        ratios = [own / peer for own, peer in zip(times['ours'], times['published'], strict=True)]
        memory = document['peak_bytes'][work]
        met = statistics.median(ratios) <= TARGET and memory['ours'] <= memory['published']
        lines.append(
            f'{work}: {statistics.median(ratios):.2f} of the published time ('
            f'{min(ratios):.2f} to {max(ratios):.2f}; target {TARGET:g}), '
            f'{memory["ours"] / memory["published"]:.2f} of its memory: '
            + ('met' if met else 'MISSED')
        )
    lines.append(f'largest difference of an output {document["largest_difference_of_outputs"]:.1e}')
    return '\n'.join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns the exit status.

    Args:
        argv: As for :func:`parse_args`.
    """
    return run_benchmark(parse_args(argv), measure, report)


if __name__ == '__main__':
    sys.exit(main())
