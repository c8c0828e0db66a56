"""Training clips a second: MMAction2's pipeline as it is, and ours, on the same real clips.

Both read the same videos with the same steps and the same random numbers (32 frames at stride 2,
short side 256, RandomResizedCrop, 224 px, flip; ``VideoDataset`` against ``RobustVideoDataset``
with ``StaticClip``), one process, each clip by one and right after it by the other, in alternating
order. ``first`` meets every file for the first time, which costs a look at its packets; ``later``
is every further epoch. The share of each step in the time of ours is printed besides.

Target: at least 0.97 of the clips a second of the stock pipeline, but for the first epoch.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

import _command  # noqa: E402
from _run import progress, run_benchmark  # noqa: E402

TARGET = 0.97
EXAMPLES = """\
examples:
  python benchmarks/loading.py --data "$ALBAR_MM_DATA" --out benchmarks/results/loading.json
"""
SOURCES = {
    'hmdb51': ('hmdb51_jhmdb21/videos', '*/*.avi'),
    'surveillance': ('cctv_fights', '**/*.mp4'),
}
"""Name -> folder of the data, and its videos."""


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = _command.parser(__doc__, EXAMPLES)
    parser.add_argument(
        '--data',
        default=os.environ.get('ALBAR_MM_DATA'),
        help='folder with hmdb51_jhmdb21/ and cctv_fights/ (default: $ALBAR_MM_DATA)',
    )
    parser.add_argument('--clips', type=int, default=64, help='videos of each kind (default: 64)')
    parser.add_argument('--rounds', type=int, default=3, help='epochs after the first (default: 3)')
    parser.add_argument('--out', help='JSON file to write, e.g. benchmarks/results/loading.json')
    args = parser.parse_args(argv)
    if not args.data or not Path(args.data, SOURCES['hmdb51'][0]).is_dir():
        parser.error('--data (or ALBAR_MM_DATA) must name a folder that holds hmdb51_jhmdb21/')
    if min(args.clips, args.rounds) < 1:
        parser.error('--clips and --rounds must be at least 1')
    return args


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the document that ``--out`` writes."""
    import tempfile

    from mmengine.registry import init_default_scope

    import albar_mm  # noqa: F401  (registers the components)
    from albar_mm.utils.identity import library_versions

    init_default_scope('mmaction')
    document: dict[str, Any] = dict(clips=args.clips, versions=library_versions(), sources={})
    for name, (folder, pattern) in SOURCES.items():
        root = Path(args.data, folder)
        videos = sorted(root.glob(pattern))
        chosen = videos[:: max(1, len(videos) // args.clips)][: args.clips]
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch, 'list.txt')
            file.write_text(''.join(f'{video.relative_to(root)}\t0\n' for video in chosen))
            document['sources'][name] = _measured(str(file), str(root), args.rounds)
        later = document['sources'][name]['later']
        progress(f'{name}: {later["clips_per_s"]:.1f} clips/s, {later["ratio"]:.3f} of stock')
    return document


def _pipeline(static: bool) -> list[dict[str, Any]]:
    from mmengine.config import Config

    steps = Config.fromfile(ROOT / 'configs/_base_/datasets/hmdb51.py').train_pipeline
    return [*steps, dict(type='StaticClip')] if static else steps


def _measured(list_file: str, root: str, rounds: int) -> dict[str, Any]:
    from mmaction.registry import DATASETS

    stock, ours = (
        DATASETS.build(
            dict(
                type=kind,
                ann_file=list_file,
                data_prefix=dict(video=root),
                delimiter='\t',
                pipeline=_pipeline(kind != 'VideoDataset'),
            )
        )
        for kind in ('VideoDataset', 'RobustVideoDataset')
    )
    shares = _timed(ours)
    found = {}
    for part, epochs in (('first', 1), ('later', rounds)):
        shares.clear()
        pairs = [_pair(stock, ours, i, e) for e in range(epochs) for i in range(len(ours))]
        ratio = [theirs / own for theirs, own in pairs]
        found[part] = dict(
            clips_per_s=1 / statistics.mean(own for _, own in pairs),
            stock_clips_per_s=1 / statistics.mean(theirs for theirs, _ in pairs),
            ratio=statistics.median(ratio),
            quartiles=statistics.quantiles(ratio, n=4)[::2],
        )
    total = sum(own for _, own in pairs)
    found['steps'] = {name: seconds / total for name, seconds in shares.items()}
    return found


def _timed(dataset: Any) -> dict[str, float]:
    """Let every step of a data set add its time to a dict."""
    shares: dict[str, float] = {}
    for step in dataset.pipeline.transforms:

        def run(results: Any, inner: Any = step.transform, name: str = type(step).__name__) -> Any:
            start = time.perf_counter()
            results = inner(results)
            shares[name] = shares.get(name, 0.0) + time.perf_counter() - start
            return results

        step.transform = run
    return shares


def _pair(stock: Any, ours: Any, index: int, epoch: int) -> tuple[float, float]:
    """Seconds of one clip, by the stock data set and by ours."""
    import random

    import numpy as np

    seconds = {}
    for dataset in (stock, ours) if (index + epoch) % 2 else (ours, stock):
        random.seed(index)
        np.random.seed(1000 * epoch + index)
        start = time.perf_counter()
        dataset[index]
        seconds[dataset is ours] = time.perf_counter() - start
    return seconds[False], seconds[True]


def report(document: dict[str, Any]) -> str:
    """The measurement as text."""
    lines = [f'training clips of 32x224x224, {document["clips"]} videos a source, one process']
    for name, found in document['sources'].items():
        for part in ('first', 'later'):
            one = found[part]
            low, high = one['quartiles']
            met = f'; target {TARGET}: {"met" if one["ratio"] >= TARGET else "MISSED"}'
            lines.append(
                f'  {name:13} {part:6} {one["clips_per_s"]:6.1f} clips/s, stock '
                f'{one["stock_clips_per_s"]:6.1f}; ours over stock {one["ratio"]:.3f} '
                f'({low:.3f} to {high:.3f}{met if part == "later" else ""})'
            )
        steps = sorted(found['steps'].items(), key=lambda item: -item[1])
        told = ', '.join(f'{step} {100 * share:.0f} %' for step, share in steps if share >= 0.01)
        lines.append(f'  {name:13} time goes to {told}')
    return '\n'.join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    return run_benchmark(parse_args(argv), measure, report)


if __name__ == '__main__':
    sys.exit(main())
