"""Speed of suppression and of mAP in temporal action localisation.

All in one run, on random data in the image of TriDet's on THUMOS14, in rounds that run every way
once, right after each other:

- soft suppression of 2,000 and 12,000 candidates of 20 classes and of 1: numba, torch, and, with
  --peer, the compiled extension that TriDet and ActionFormer publish, with its wrapper; the scores
  are compared;
- mAP at five thresholds of 200 videos with 200 detections and of 212 with 2,000, in 20 classes:
  ours and MMAction2's, both with the annotation and detections in memory; the values are compared.

Targets: suppression takes at most 1.2 times as long as the published one; mAP is at least 8 times
as fast as MMAction2's.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

import _command  # noqa: E402
from _run import progress, run_benchmark  # noqa: E402

SUPPRESSION_TARGET, MAP_TARGET = 1.2, 8.0
CLASSES = 20
SETTINGS = (0.5, 0.001, 2000)  # sigma, min_score, max_segments of TriDet
CANDIDATES = ((2000, CLASSES), (2000, 1), (12000, CLASSES), (12000, 1))
DETECTIONS = ((200, 200), (212, 2000))  # videos, detections of each
EXAMPLES = """\
examples:
  python benchmarks/tal_postprocess.py
  python benchmarks/tal_postprocess.py --peer TriDet --out benchmarks/results/tal_postprocess.json
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add(
        '--peer',
        type=Path,
        metavar='FOLDER',
        help='clone of TriDet or ActionFormer; its extension is compiled in a temporary folder',
    )
    add('--rounds', type=int, default=3, help='times that all is measured (default: 3)')
    add('--out', help='JSON file to write, e.g. benchmarks/results/tal_postprocess.json')
    args = parser.parse_args(argv)
    if args.rounds < 1:
        parser.error('--rounds must be at least 1')
    return args


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure all and return the document that ``--out`` writes."""
    import torch

    from albar_mm.utils.identity import library_versions

    with tempfile.TemporaryDirectory() as folder:
        published = None
        if args.peer:
            from _tal_peer import published_soft_nms

            progress('compiling the published extension')
            published = published_soft_nms(args.peer, Path(folder))
        suppression = [
            _suppression(count, classes, published, args.rounds) for count, classes in CANDIDATES
        ]
        scores = [_map(videos, each, Path(folder), args.rounds) for videos, each in DETECTIONS]
    return dict(
        device='cpu',
        threads=torch.get_num_threads(),
        soft_nms=suppression,
        map=scores,
        settings=dict(rounds=args.rounds, peer=args.peer.name if args.peer else None),
        versions=library_versions(),
    )


def _suppression(
    count: int, classes: int, published: Callable | None, rounds: int
) -> dict[str, Any]:
    import torch

    from downstream.tal.functional import soft_nms

    generator = torch.Generator().manual_seed(0)
    stride = 2.0 ** torch.randint(6, (count,), generator=generator)
    point = (torch.rand(count, generator=generator) * 2304 / stride).floor() * stride
    reach = torch.rand(count, 2, generator=generator) * 8 * stride[:, None]
    scores = 0.001 + 0.9 * torch.rand(count, generator=generator) ** 6  # most are small
    given = (
        torch.stack([point - reach[:, 0], point + reach[:, 1]], 1),
        scores,
        torch.randint(classes, (count,), generator=generator),
    )
    ways = {
        kernel: lambda kernel=kernel: soft_nms(*given, *SETTINGS, kernel=kernel)
        for kernel in ('numba', 'torch')
    }
    if published:
        ways['published'] = lambda: published(*given, *SETTINGS)
    found = {name: way()[1] for name, way in ways.items()}  # also compiles
    other = found.get('published', found['torch'])
    if len(found['numba']) != len(other):
        raise RuntimeError(
            f'{len(found["numba"])} segments stay, of the peer {len(other)}: the results differ'
        )
    return dict(
        candidates=count,
        classes=classes,
        kept=len(other),
        largest_difference=float((found['numba'] - other).abs().max()),
        rounds=_rounds(ways, rounds, f'{count} x {classes}'),
    )


def _map(videos: int, each: int, folder: Path, rounds: int) -> dict[str, Any]:
    import numpy as np
    from _tal_peer import mmaction2_map

    from downstream.tal.scores import TIOUS, Segments, temporal_map

    random = np.random.default_rng(0)
    names = np.array([f'video_{number:04d}' for number in range(videos)])

    def draw(count: int) -> np.ndarray:
        begin = random.uniform(0, 200, videos * count)
        return np.stack([begin, begin + random.uniform(1, 20, len(begin))], 1)

    annotated = 15  # in a video, all of one class
    label = random.integers(CLASSES, size=videos)
    truth = names.repeat(annotated), draw(annotated), label.repeat(annotated)
    boxes, labels = draw(each), random.integers(CLASSES, size=videos * each)
    near = random.random(len(boxes)) < 0.5  # half of them lie about an annotated one
    owner = np.arange(videos).repeat(each)[near]
    boxes[near] = truth[1][owner * annotated + random.integers(annotated, size=len(owner))]
    boxes[near] += random.uniform(-0.4, 0.4, (len(owner), 2))
    labels[near] = label[owner]
    found = names.repeat(each), boxes, labels, random.random(len(near)) ** 6
    segments, detected = Segments(*truth), Segments(*found)
    tious = np.array(TIOUS)
    ways = dict(
        ours=lambda: temporal_map(segments, detected, tious, ties='first', drop_duplicates=False),
        mmaction2=mmaction2_map(truth, found, tious, folder),
    )
    ours, peer = ways['ours']().at, ways['mmaction2']()
    return dict(
        videos=videos,
        detections=each,
        map=float(ours.mean()),
        largest_difference=float(np.abs(ours - peer).max()),
        rounds=_rounds(ways, rounds, f'{videos} x {each}'),
    )


def _rounds(
    ways: dict[str, Callable[[], object]], rounds: int, name: str
) -> list[dict[str, float]]:
    """Seconds of every way in each round, in an order that turns round."""
    seconds = []
    for number in range(rounds):
        taken = {}
        for way in list(ways)[:: -1 if number % 2 else 1]:
            started = time.perf_counter()
            ways[way]()
            taken[way] = time.perf_counter() - started
        seconds.append({way: taken[way] for way in ways})
        progress(
            f'{name}: ' + '  '.join(f'{way} {value:.4f} s' for way, value in seconds[-1].items())
        )
    return seconds


def report(document: dict[str, Any]) -> str:
    """Medians and ratios as a table."""
    lines = [
        f'{document["threads"]} threads; medians of {document["settings"]["rounds"]} rounds, '
        'seconds'
    ]
    for case in document['soft_nms']:
        lines.append(_row(f'soft-NMS {case["candidates"]} x {case["classes"]}', case))
        if 'published' in case['rounds'][0]:
            lines.append(_ratio(case, 'numba', 'published', SUPPRESSION_TARGET, least=False))
    if not document['settings']['peer']:
        lines.append('  the published extension is left out: --peer names a clone of it')
    for case in document['map']:
        lines.append(_row(f'mAP {case["videos"]} x {case["detections"]}', case))
        lines.append(_ratio(case, 'mmaction2', 'ours', MAP_TARGET, least=True))
    return '\n'.join(lines)


def _row(name: str, case: dict[str, Any]) -> str:
    medians = '  '.join(
        f'{way} {statistics.median(r[way] for r in case["rounds"]):.4f}'
        for way in case['rounds'][0]
    )
    return f'{name:22}{medians}  largest difference {case["largest_difference"]:.0e}'


def _ratio(case: dict[str, Any], one: str, other: str, target: float, *, least: bool) -> str:
    ratios = [r[one] / r[other] for r in case['rounds']]
    ratio = statistics.median(ratios)
    met = ratio >= target if least else ratio <= target
    return (
        f'  {one} / {other}: {ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f}), target '
        f'{">=" if least else "<="} {target}: {"met" if met else "MISSED"}'
    )


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    return run_benchmark(parse_args(argv), measure, report)


if __name__ == '__main__':
    sys.exit(main())
