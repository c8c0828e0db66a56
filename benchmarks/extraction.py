"""Speed of the feature extraction against its parts and against the order of operations of peers.

All in one run, on a video that is made of real clips end to end (H.264 where the encoder is there,
else MPEG-4), in frames a second:

- decode: reading and resizing alone, in as many threads as ours decodes with;
- encode: the encoder alone, on batches that are in memory already;
- ours: :func:`downstream.features.extract.extract_features` into a store;
- peer: for every snippet open a position in the video, decode its frames and encode it alone, as
  published extractors do (a seek and a decode per window, batches of one), on
  ``--peer-snippets`` snippets in the middle of the video.

The encoder is a 3D ResNet of the width whose cost comes nearest to that of decoding. Targets: on a
processor, where both share the cores, ours is at least 0.9 of 1 / (1 / decode + 1 / encode); on a
GPU at least 0.85 of the smaller of both; and at least 3 times the peer at stride 4 with snippets of
16 frames.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

import _command  # noqa: E402
from _run import progress, run_benchmark  # noqa: E402

CPU_TARGET, GPU_TARGET, PEER_TARGET = 0.9, 0.85, 3.0
EXAMPLES = """\
examples:
  python benchmarks/extraction.py --data "$ALBAR_MM_DATA"
  python benchmarks/extraction.py --data "$ALBAR_MM_DATA" --out benchmarks/results/extraction.json
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
        help='folder with clips/ (default: $ALBAR_MM_DATA)',
    )
    add('--seconds', type=int, default=60, help='length of the video (default: 60)')
    add('--videos', type=int, default=2, help='copies of it (default: 2)')
    add('--stride', type=int, default=4, help='from one snippet to the next (default: 4)')
    add('--clip-len', type=int, default=16, help='frames of a snippet (default: 16)')
    add('--rounds', type=int, default=3, help='times that all is measured (default: 3)')
    add('--batch-size', type=int, default=8, help='snippets encoded at once (default: 8)')
    add('--workers', type=int, default=1, help='videos decoded at once (default: 1)')
    add('--peer-snippets', type=int, default=40, help='snippets of the peer (default: 40)')
    add('--device', default=None, help='default: cuda where there is one, else cpu')
    add('--out', help='JSON file to write, e.g. benchmarks/results/extraction.json')
    args = parser.parse_args(argv)
    if not args.data or not Path(args.data, 'clips').is_dir():
        parser.error('--data (or ALBAR_MM_DATA) must name a folder that holds clips/')
    for key in (
        'seconds',
        'videos',
        'stride',
        'clip_len',
        'rounds',
        'batch_size',
        'workers',
        'peer_snippets',
    ):
        if getattr(args, key) < 1:
            parser.error(f'--{key.replace("_", "-")} must be at least 1')
    return args


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure all and return the document that ``--out`` writes."""
    import torch
    from _extraction import Bench

    from albar_mm.utils.identity import library_versions

    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(
            Path(args.data),
            Path(folder),
            args.seconds,
            args.videos,
            args.clip_len,
            args.stride,
            args.batch_size,
            args.workers,
            device,
            progress,
        )
        rounds = [bench.round(args.peer_snippets) for _ in range(args.rounds)]
    return dict(
        device=bench.device_name,
        threads=torch.get_num_threads(),
        video=bench.video,
        encoder_width=bench.width,
        stride=args.stride,
        clip_len=args.clip_len,
        batch_size=args.batch_size,
        workers=args.workers,
        rounds=rounds,
        versions=library_versions(),
    )


def report(document: dict[str, Any]) -> str:
    """Medians and ratios as a table."""
    import statistics

    rounds = document['rounds']
    on_gpu = document['device'] != 'cpu'
    lines = [
        f'{document["video"]}; encoder of width {document["encoder_width"]} on '
        f'{document["device"]}; medians of {len(rounds)} rounds, frames a second'
    ]
    for name in ('decode', 'encode', 'ours', 'peer'):
        lines.append(f'  {name:8}{statistics.median(r[name] for r in rounds):10.1f}')
    limits = [
        min(r['decode'], r['encode']) if on_gpu else 1 / (1 / r['decode'] + 1 / r['encode'])
        for r in rounds
    ]
    for name, ratios, target in (
        (
            'ours / limit',
            [r['ours'] / limit for r, limit in zip(rounds, limits, strict=True)],
            GPU_TARGET if on_gpu else CPU_TARGET,
        ),
        ('ours / peer', [r['ours'] / r['peer'] for r in rounds], PEER_TARGET),
    ):
        ratio = statistics.median(ratios)
        lines.append(
            f'{name}: {ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f}), target '
            f'>= {target}: {"met" if ratio >= target else "MISSED"}'
        )
    return '\n'.join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    return run_benchmark(parse_args(argv), measure, report)


if __name__ == '__main__':
    sys.exit(main())
