"""Time, peak memory and loader bytes of an ALBAR training step, as ratios in one run.

Compared are a step of ``ALBARRecognizer3D``, a plain step of ``Recognizer3D``, and the published
order of operations. That order, as facts read off the authors' released training loop
(github.com/UCF-CRCV/ALBAR, commit 97b3164, ``train.py`` and ``entropy_loss.py``; fp32, all weights
> 0, without StillMix):

1. The loader yields two whole clips per sample, the clip and its static clip.
2. Gradients are set to zero.
3. Motion pass on the clip in training mode, cross-entropy; its graph is kept to the end.
4. The static clip, a leaf, is made to require a gradient; static pass in training mode (BatchNorm
   updates its statistics again).
5. At once, the gradient of all static logits (``grad_outputs`` ones) by the static clip, with
   ``create_graph``, so the graph of the static pass and that of its backward pass are both kept;
   root of the sum of squares over channel, time and height plus 1e-12, mean over batch and width.
6. From the same static logits: entropy term, then cross-entropy.
7. One weighted sum, one backward pass through all three graphs, one optimiser step.

Here it is written anew (``published_loss`` in ``_steps.py``) over the same network, with the same
normalised clips and static clips made on the device in the same way, so that only the order of
operations differs; the second clip in the loader counts under loader bytes alone.

Time: paired ratios of rounds in which each variant runs once; beside it the counted operations,
which no load on the machine can move. Peak memory: what two steps add, in a
process of its own (CPU: resident memory; GPU: allocated memory). Target: at most 1.03 times the
published order in both.

``--levers`` measures instead what each option of ``static`` that saves work costs, over a plain
step (``_levers.py``; ``docs/static_pass.md`` says what they are): time in pairs, memory in
processes of their own, and, from ``--scores``, the contrasted accuracy of trainings with them, as a
table and a picture.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / 'tools')]

import _command  # noqa: E402
from _run import progress, run_benchmark  # noqa: E402

TARGET = 1.03
LOADER_TARGET = 0.01
DEFAULT_SETTINGS = ('swin_t_16x112', 'r3d_18_16x112')
EXAMPLES = """\
examples:
  python benchmarks/step_cost.py --out benchmarks/results/step_cost.json
  python benchmarks/step_cost.py --settings r3d_18_16x112 --batch-size 8 --device cuda
  python benchmarks/step_cost.py --levers --batch-size 8 --rounds 3 --picture docs/step_cost.png \\
      --scores work_dirs/share/sweep/results.json --out benchmarks/results/levers.json
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
        nargs='+',
        default=list(DEFAULT_SETTINGS),
        choices=(*DEFAULT_SETTINGS, 'tsm_mobilenet_v2_8x112', 'tiny'),
        help='networks (default: the first two; tiny is for tests)',
    )
    add('--levers', nargs='*', help='measure these options of static (default: all)')
    add('--scores', nargs='+', default=[], help='results.json files of trainings, for --levers')
    add('--picture', help='PNG to draw of --levers, e.g. docs/step_cost.png')
    add('--batch-size', type=int, default=2, help='clips in a step (default: 2)')
    add('--rounds', type=int, default=9, help='pairs for each ratio of times (default: 9)')
    add('--warmup', type=int, default=1, help='steps before them (default: 1)')
    add('--memory-repeats', type=int, default=2, help='processes per variant (default: 2; 0: none)')
    add('--device', default=None, help='default: cuda where there is one, else cpu')
    add('--out', help='JSON file to write, e.g. benchmarks/results/step_cost.json')
    args = parser.parse_args(argv)
    for key, least in (('batch_size', 1), ('rounds', 1), ('warmup', 1), ('memory_repeats', 0)):
        if getattr(args, key) < least:
            parser.error(f'--{key.replace("_", "-")} must be at least {least}')
    return args


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure all settings and return the document that ``--out`` writes."""
    import torch
    from _levers import LEVERS, accuracies, draw, lever_costs
    from _measure import flops, loader_bytes, memory_ratio, paired_seconds, peak_memory, ratios
    from _steps import setting

    from albar_mm.utils.identity import library_versions

    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    document: dict[str, Any] = dict(
        batch_size=args.batch_size,
        device=device,
        threads=torch.get_num_threads(),
        device_name=torch.cuda.get_device_name(device) if device.startswith('cuda') else 'CPU',
        target=TARGET,
        versions=library_versions(),
        settings={},
    )
    if args.levers is not None:
        wanted = args.levers or list(LEVERS)
        document['accuracy'] = accuracies(args.scores)
        document['settings'] = {
            name: lever_costs(
                name,
                args.batch_size,
                args.rounds,
                device,
                wanted,
                args.memory_repeats > 0,
                progress,
            )
            for name in args.settings
        }
        if args.picture:
            draw(args.picture, document)
        return document
    for name in args.settings:
        seconds = paired_seconds(name, args.batch_size, args.rounds, args.warmup, device, progress)
        found: dict[str, Any] = dict(
            seconds=seconds,
            time_over_plain=ratios(seconds, 'plain'),
            time_over_published=ratios(seconds, 'published'),
            flops=flops(name, args.batch_size, device),
            loader=loader_bytes(setting(name), args.batch_size),
        )
        if args.memory_repeats:
            memory = peak_memory(name, args.batch_size, args.memory_repeats, device, progress)
            found.update(
                peak_bytes=memory,
                memory_over_plain=memory_ratio(memory, 'plain'),
                memory_over_published=memory_ratio(memory, 'published'),
            )
        document['settings'][name] = found
    return document


def report(document: dict[str, Any]) -> str:
    """The ratios as text."""
    lines = [
        f'ALBAR step, batch of {document["batch_size"]}, {document["device_name"]}, '
        f'{document["threads"]} thread(s)'
    ]
    if 'accuracy' in document:
        from _levers import describe

        for name, levers in document['settings'].items():
            lines.append(name)
            for lever, cost in levers.items():
                score = document['accuracy'].get(lever)
                reached = f', {score["mean"]:.1f} ± {score["sd"]:.1f} contrasted' if score else ''
                lines.append(f'  {lever:26} {describe(cost)}{reached}')
        return '\n'.join(lines)
    for name, found in document['settings'].items():
        lines.append(name)
        for what in ('time', 'memory'):
            for over in ('plain', 'published'):
                ratio = found.get(f'{what}_over_{over}')
                if ratio is None:
                    continue
                spread = (
                    f'quartiles {ratio["quartile_1"]:.3f} to {ratio["quartile_3"]:.3f}, '
                    if 'quartile_1' in ratio
                    else ''
                )
                met = (
                    ''
                    if over == 'plain'
                    else f'; target {document["target"]}: '
                    + ('met' if ratio['median'] <= document['target'] else 'MISSED')
                )
                label = f'{what} over {over}'
                lines.append(
                    f'  {label:22} {ratio["median"]:.3f}  ({spread}range '
                    f'{ratio["min"]:.3f} to {ratio["max"]:.3f}, {ratio["pairs"]} '
                    f'pairs{met})'
                )
        counted = found['flops']
        lines.append(
            f'  operations over plain  {counted["albar"] / counted["plain"]:.3f}, over '
            f'published {counted["albar"] / counted["published"]:.4f} (convolutions and '
            'matrix products)'
        )
        growth, plain = found['loader']['growth'], found['loader']['plain']
        met = 'met' if max(growth.values()) < LOADER_TARGET else 'MISSED'
        lines.append(
            f'  loader bytes per sample: tensors {plain["tensor_bytes"]:.0f} '
            f'{growth["tensor_bytes"]:+.4%}, pickled {plain["pickled_bytes"]:.0f} '
            f'{growth["pickled_bytes"]:+.4%} (target < {LOADER_TARGET:.0%}: {met})'
        )
    return '\n'.join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    return run_benchmark(parse_args(argv), measure, report)


if __name__ == '__main__':
    sys.exit(main())
