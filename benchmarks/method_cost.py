"""Time and peak memory of every method of the comparison, as ratios in one run.

1. One training step of each method over plain training (``none``), on Video Swin-T and on a 3D
   ResNet-18: mixup, videomix, be, actorcutmix, fame, stillmix (random: frames of the other clips of
   the batch; bank: frames of a bank), sdn, albar, albar+stillmix. Steps go through ``train_step``
   as the Runner calls it; reading videos is left out.
2. Each blending alone over ``inputs.clone()``. Target: at most 3 times, FAME apart. Beside FAME
   stands its published order of operations (``_published_fame.py``; both give the same mask).

Time: rounds in which each runs once, right after each other, in an order that changes; ratios are
paired within a round. Peak memory: what two steps add, in a process of its own (CPU: resident
memory; GPU: allocated memory). Every sample is augmented (``--prob 1``), which is the worst case:
published probabilities go from 0.25 to 1.

The default sizes (steps: 2 clips of 16 frames of 112x112 px; blendings alone: 4 clips of 32 frames
of 224x224 px) fit 2 CPU cores and 8 GiB; a run takes about 15 minutes there.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / 'tools')]

import _command  # noqa: E402
from _run import progress, run_benchmark  # noqa: E402

TARGET = 3.0
DEFAULT_SETTINGS = ('swin_t_16x112', 'r3d_18_16x112')
EXAMPLES = """\
examples:
  python benchmarks/method_cost.py --out benchmarks/results/method_cost.json
  python benchmarks/method_cost.py --settings r3d_18_16x112 --methods none albar fame
  python benchmarks/method_cost.py --settings --blend-clip 16 112 --blend-batch-size 8
  python benchmarks/method_cost.py --device cuda --clip 32 224 --batch-size 12
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add(
        '--settings',
        nargs='*',
        default=list(DEFAULT_SETTINGS),
        choices=(*DEFAULT_SETTINGS, 'tiny'),
        help='networks of the steps (default: both; without a name: none; tiny is for tests)',
    )
    add('--methods', nargs='+', help='methods of the steps (default: all)')
    add(
        '--clip',
        nargs=2,
        type=int,
        default=(16, 112),
        metavar=('FRAMES', 'SIDE'),
        help='clips of the steps (default: 16 112)',
    )
    add('--batch-size', type=int, default=2, help='clips in a step (default: 2)')
    add('--rounds', type=int, default=5, help='steps of each method (default: 5)')
    add(
        '--blend-clip',
        nargs=2,
        type=int,
        default=(32, 224),
        metavar=('FRAMES', 'SIDE'),
        help='clips of the blendings alone (default: 32 224)',
    )
    add('--blend-batch-size', type=int, default=4, help='clips in a blended batch (default: 4)')
    add(
        '--blend-rounds',
        type=int,
        default=15,
        help='runs of each blending alone (default: 15; 0: none)',
    )
    add('--warmup', type=int, default=1, help='runs before the rounds (default: 1)')
    add('--memory-repeats', type=int, default=1, help='processes of each (default: 1; 0: none)')
    add('--prob', type=float, default=1.0, help='probability of a sample (default: 1)')
    add('--device', default=None, help='default: cuda where there is one, else cpu')
    add('--out', help='JSON file to write, e.g. benchmarks/results/method_cost.json')
    args = parser.parse_args(argv)
    for key, least in (
        ('batch_size', 2),
        ('rounds', 1),
        ('blend_batch_size', 2),
        ('blend_rounds', 0),
        ('warmup', 0),
        ('memory_repeats', 0),
    ):
        if getattr(args, key) < least:
            parser.error(f'--{key.replace("_", "-")} must be at least {least}')
    for key in ('clip', 'blend_clip'):
        if min(getattr(args, key)) < 1:
            parser.error(f'--{key.replace("_", "-")} must be two numbers >= 1')
    if not 0 <= args.prob <= 1:
        parser.error('--prob must be from 0 to 1')
    return args


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure everything and return the document that ``--out`` writes."""
    import tempfile

    import torch
    from _method_cost import ALONE, METHODS, BlendAlone, MethodStep, Size, missing_types
    from _steps import setting

    from albar_mm.utils.identity import library_versions

    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    unknown = sorted(set(args.methods or ()) - set(METHODS))
    if unknown:
        raise ValueError(f'--methods: unknown {unknown[0]!r}; there are {", ".join(METHODS)}')
    left_out = missing_types()
    for name, reason in left_out.items():
        progress(f'{name} is left out: {reason}')
    wanted = {'none', *(args.methods or METHODS)} - left_out.keys()
    methods = [name for name in METHODS if name in wanted]
    size = Size(args.batch_size, *args.clip, args.prob, device)
    blend = Size(args.blend_batch_size, *args.blend_clip, args.prob, device)
    document: dict[str, Any] = dict(
        device=device,
        threads=torch.get_num_threads(),
        device_name=torch.cuda.get_device_name(device) if device.startswith('cuda') else 'CPU',
        prob=args.prob,
        target=TARGET,
        left_out=left_out,
        versions=library_versions(),
        step=dict(batch_size=args.batch_size, clip=list(args.clip)),
        blend=dict(batch_size=args.blend_batch_size, clip=list(args.blend_clip)),
        settings={},
    )
    with tempfile.TemporaryDirectory() as folder:
        if args.blend_rounds:
            runs = {name: BlendAlone(name, blend, Path(folder)) for name in ALONE}
            document['alone'] = _found('alone', runs, blend, args.blend_rounds, args, 'clone')
            del runs
        for name in args.settings:
            runs = {m: MethodStep(m, setting(name), size, Path(folder)) for m in methods}
            document['settings'][name] = _found(name, runs, size, args.rounds, args, 'none')
            del runs
    return document


def _found(
    kind: str,
    runs: dict[str, Any],
    size: Any,
    rounds: int,
    args: argparse.Namespace,
    over: str,
) -> dict[str, Any]:
    from _method_cost import paired_seconds, peak_bytes, ratios

    def say(text: str) -> None:
        progress(f'{kind}: {text}')

    seconds = paired_seconds(runs, rounds, args.warmup, size.device, say)
    found: dict[str, Any] = dict(seconds=seconds, time=ratios(seconds, over))
    names = list(runs)
    runs.clear()  # what the timed networks hold is not needed beside the memory processes
    if args.memory_repeats:
        memory = peak_bytes(kind, names, size, args.memory_repeats, say)
        found.update(peak_bytes=memory, memory=ratios(memory, over))
    return found


def report(document: dict[str, Any]) -> str:
    """The ratios as text."""
    lines = [
        f'{document["device_name"]}, {document["threads"]} thread(s), probability '
        f'{document["prob"]:g}'
    ]
    alone = document.get('alone')
    tables = [('blend', 'blendings alone over inputs.clone()', alone)] if alone else []
    tables += [
        ('step', f'training step over plain, {name}', found)
        for name, found in document['settings'].items()
    ]
    for sizes, title, found in tables:
        frames, side = document[sizes]['clip']
        lines.append(f'{title}: {document[sizes]["batch_size"]} clips of {frames}x{side}x{side}')
        for name, ratio in found['time'].items():
            memory = found.get('memory', {}).get(name)
            lines.append(
                f'  {name:22} time {ratio["median"]:7.3f}  (range {ratio["min"]:.3f} to '
                f'{ratio["max"]:.3f}, {ratio["pairs"]} pairs)'
                + (f'  memory {memory["median"]:6.3f}' if memory else '')
                + _verdict(sizes, name, ratio['median'], document['target'])
            )
    lines += [f'left out: {name}: {reason}' for name, reason in document['left_out'].items()]
    return '\n'.join(lines)


def _verdict(sizes: str, name: str, ratio: float, target: float) -> str:
    if sizes == 'step' or name == 'clone' or name.startswith('fame'):
        return ''
    return f'  target {target:g}: {"met" if ratio <= target else "MISSED"}'


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    return run_benchmark(parse_args(argv), measure, report)


if __name__ == '__main__':
    sys.exit(main())
