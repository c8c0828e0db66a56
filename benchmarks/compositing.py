"""Compositing on the fly against plain loading, and export against the published order.

Loading: SCUBA items of real clips through ``OnTheFlyBenchmarkDataset``, each beside the same source
video through ``RobustVideoDataset`` and the same pipeline (32 frames at stride 2, short side 256,
centre crop 224). ``first`` reads every source video for the first time, nothing of it being kept in
memory; ``variants`` reads all variants of one video after another, as a test run does. Target: at
most 1.25 times plain loading. Both sides keep freed memory, as training and testing do
(``engine.launch.process``); what that does for plain loading is the row ``freed memory``.

Export: ten SCUBA variants of each video as one build with all cores (survey, masks and start of the
workers included), against the order of operations of the published generator, in one process. Per
variant: decode the video and read the mask file again; per frame, stretch the background, blend in
floating point, write a JPEG of quality 75 with Pillow. Backgrounds are photos
of 256 px. Target: at least 5 times faster.

The two sides of a ratio run right after each other, in alternating order; ratios are paired. Beside
the ratio of loading times stands that of processor times, which other work on the machine moves
less.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

import _command  # noqa: E402
from _run import progress, run_benchmark  # noqa: E402

LOADING_TARGET, EXPORT_TARGET = 1.25, 5.0
EXAMPLES = """\
examples:
  python benchmarks/compositing.py --data "$ALBAR_MM_DATA"
  python benchmarks/compositing.py --data "$ALBAR_MM_DATA" --out benchmarks/results/compositing.json
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add(
        '--data',
        default=os.environ.get('ALBAR_MM_DATA'),
        help='folder with hmdb51_jhmdb21/ and backgrounds/colour/ (default: $ALBAR_MM_DATA)',
    )
    add('--clips', type=int, default=24, help='40-frame clips (default: 24)')
    add('--rounds', type=int, default=3, help='times that each is loaded (default: 3)')
    add('--workers', type=int, default=os.cpu_count(), help='processes of the export')
    add('--out', help='JSON file to write, e.g. benchmarks/results/compositing.json')
    args = parser.parse_args(argv)
    if not args.data or not Path(args.data, 'hmdb51_jhmdb21').is_dir():
        parser.error('--data (or ALBAR_MM_DATA) must name a folder that holds hmdb51_jhmdb21/')
    if min(args.clips, args.rounds, args.workers) < 1:
        parser.error('--clips, --rounds and --workers must be at least 1')
    return args


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure all and return the document that ``--out`` writes."""
    from _compositing import Clips, export_seconds, loading_seconds, memory_seconds
    from mmengine.registry import init_default_scope

    from albar_mm.engine.launch.process import keep_freed_memory
    from albar_mm.utils.identity import library_versions

    init_default_scope('mmaction')
    document: dict[str, Any] = dict(
        clips=args.clips,
        rounds=args.rounds,
        workers=args.workers,
        memory_kept=keep_freed_memory(),
        versions=library_versions(),
    )
    with tempfile.TemporaryDirectory() as folder:
        clips = Clips(Path(args.data), Path(folder), args.clips)
        for family in ('stripe', 'photos'):
            for name in ('first', 'variants'):
                wall, cpu = loading_seconds(clips, family, name == 'first', args.rounds, progress)
                document[f'loading/{family}/{name}'] = dict(
                    paired(wall), cpu_ratio=paired(cpu)['ratio']
                )
        if document['memory_kept']:
            document['freed memory'] = paired(memory_seconds(clips, args.rounds, progress))
        pairs = export_seconds(clips, args.workers, args.rounds, progress)
        document['export'] = paired([(theirs, ours) for ours, theirs in pairs])
    return document


def paired(pairs: list[tuple[float, float]]) -> dict[str, float]:
    """Median times and ratios of (measured, compared with) pairs of seconds."""
    ratios = [a / b for a, b in pairs]
    quartiles = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return dict(
        ms=1e3 * statistics.median(a for a, _ in pairs),
        against_ms=1e3 * statistics.median(b for _, b in pairs),
        ratio=statistics.median(ratios),
        quartile_1=quartiles[0],
        quartile_3=quartiles[2],
        pairs=len(ratios),
    )


def report(document: dict[str, Any]) -> str:
    """The ratios as a table."""
    lines = [f'{"":26}{"ms":>9}{"against":>9}{"ratio":>8}{"CPU":>8}  quartiles      target']
    for name, found in document.items():
        if not isinstance(found, dict) or 'ratio' not in found:
            continue
        if name == 'export':
            target = f'>= {EXPORT_TARGET}'
            met = found['ratio'] >= EXPORT_TARGET
        else:
            limit = LOADING_TARGET if name.startswith('loading') else 1.0
            target, met = f'<= {limit}', found['ratio'] <= limit
        spread = f'{found["quartile_1"]:.2f} to {found["quartile_3"]:.2f}'
        cpu = f'{found["cpu_ratio"]:8.2f}' if 'cpu_ratio' in found else ' ' * 8
        lines.append(
            f'{name:26}{found["ms"]:9.1f}{found["against_ms"]:9.1f}{found["ratio"]:8.2f}{cpu}  '
            f'{spread:14} {target}: {"met" if met else "MISSED"}'
        )
    lines.append(
        'loading: on the fly against plain, per clip; freed memory: plain loading, kept '
        'against given back; export: published order against ours with '
        f'{document["workers"]} process(es), per video'
    )
    return '\n'.join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    return run_benchmark(parse_args(argv), measure, report)


if __name__ == '__main__':
    sys.exit(main())
