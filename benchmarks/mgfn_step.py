"""Speed of a training step of MGFN and of its data against the published order of operations.

All in one run, with weights and data drawn from one seed:

- ours: the network as it is, channels last, on a batch of 16 + 16 videos, 10 crops, 32 segments,
  2048 channels; forward, loss and backward;
- peer: the same weights with convolutions channels first and an explicit attention map, as
  published; loss and gradients are compared;
- cached, read again: an epoch of training data, pooled once and held in memory, and with every
  ten-crop file read and pooled again, as published.

Targets: ours at least 1.2 times as fast as the peer, cached at least 5 times as fast.
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

STEP_TARGET, DATA_TARGET = 1.2, 5.0
EXAMPLES = """\
examples:
  python benchmarks/mgfn_step.py
  python benchmarks/mgfn_step.py --out benchmarks/results/mgfn_step.json
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add('--pairs', type=int, default=16, help='videos of each kind (default: 16)')
    add('--crops', type=int, default=10, help='crops of a video (default: 10)')
    add('--channels', type=int, default=2048, help='of the features (default: 2048)')
    add('--videos', type=int, default=16, help='videos of the data (default: 16)')
    add('--snippets', type=int, default=300, help='snippets of each (default: 300)')
    add('--rounds', type=int, default=3, help='times that all is measured (default: 3)')
    add('--out', help='JSON file to write, e.g. benchmarks/results/mgfn_step.json')
    args = parser.parse_args(argv)
    if min(args.pairs, args.crops, args.channels, args.videos, args.snippets, args.rounds) < 1:
        parser.error('all numbers must be at least 1')
    return args


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure all and return the document that ``--out`` writes."""
    import torch
    from _mgfn_peer import peer_forward

    from albar_mm.utils.identity import library_versions
    from downstream.anomaly.models import AnomalyDetector

    torch.manual_seed(0)
    model = AnomalyDetector(
        dict(type='MGFNHead', dropout=0.0), dict(type='MGFN', in_channels=args.channels)
    )
    # at first all magnitudes are equal but for rounding, which would choose the snippets
    torch.nn.init.uniform_(model.head.norm.weight, 0.5, 1.5)
    batch = torch.randn(2 * args.pairs, args.crops, 32, args.channels)
    labels = torch.arange(2 * args.pairs) // args.pairs

    def step(forward: Callable) -> tuple[float, list]:
        model.zero_grad()
        feats = forward(batch.flatten(0, 1)).unflatten(0, batch.shape[:2])
        loss = sum(model.head.loss(feats, labels).values())
        loss.backward()
        return float(loss.detach()), [p.grad.clone() for p in model.parameters()]

    orders = dict(ours=model.backbone, peer=lambda x: peer_forward(model.backbone, x))
    progress('comparing')
    (loss, grads), (other, others) = (step(forward) for forward in orders.values())
    largest = max(
        float((a - b).norm() / b.norm())
        for a, b in zip(grads, others, strict=True)
        if float(b.norm()) > 1e-6
    )
    rounds = []
    for _ in range(args.rounds):
        rounds.append(
            {
                name: _seconds(lambda forward=forward: step(forward))
                for name, forward in orders.items()
            }
        )
        progress('  '.join(f'{name} {value:.2f} s' for name, value in rounds[-1].items()))
    with tempfile.TemporaryDirectory() as folder:
        data = [_data(Path(folder) / str(number), args) for number in range(args.rounds)]
    for one, more in zip(rounds, data, strict=True):
        one.update(more)
    return dict(
        device='cpu',
        threads=torch.get_num_threads(),
        loss=loss,
        loss_of_peer=other,
        largest_gradient_difference=largest,
        rounds=rounds,
        settings={key: value for key, value in vars(args).items() if key != 'out'},
        versions=library_versions(),
    )


def _data(folder: Path, args: argparse.Namespace) -> dict[str, float]:
    import numpy as np

    from downstream.anomaly.dataset import AnomalyFeatureDataset
    from downstream.features.sampling import Sampling
    from downstream.features.store import FeatureStore

    sampling = Sampling(16, 16)
    store = FeatureStore.create(
        folder / 'store', dict(encoder={}, sampling=sampling.settings(), dtype='float32')
    )
    features = np.random.default_rng(0).normal(size=(args.snippets, args.crops, args.channels))
    grid = sampling.grid(16 * args.snippets, 30.0)
    for index in range(args.videos):
        store.put(f'v{index}', features, grid)
    (folder / 'list.txt').write_text(
        ''.join(f'v{i}.mp4 {"Fight" if i % 2 else "Normal"}\n' for i in range(args.videos))
    )
    data = AnomalyFeatureDataset(str(folder / 'list.txt'), store.root, num_segments=32)

    def epoch(forget: bool) -> None:
        for index in range(len(data)):
            if forget:
                data.forget()
            data[index]

    again = _seconds(lambda: epoch(True))
    epoch(False)
    return dict(read_again=again, cached=_seconds(lambda: epoch(False)))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def report(document: dict[str, Any]) -> str:
    """Medians and ratios as a table."""
    rounds, settings = document['rounds'], document['settings']
    lines = [
        f'{settings["pairs"]} + {settings["pairs"]} videos, {settings["crops"]} crops, '
        f'{settings["channels"]} channels, {document["threads"]} threads; medians of '
        f'{len(rounds)} rounds, seconds'
    ]
    for name in ('ours', 'peer', 'cached', 'read_again'):
        lines.append(f'  {name:12}{statistics.median(r[name] for r in rounds):10.4f}')
    lines.append(
        f'loss {document["loss"]:.6f}, of the peer {document["loss_of_peer"]:.6f}; '
        f'largest relative difference of a gradient '
        f'{document["largest_gradient_difference"]:.1e}'
    )
    for name, slow, fast, target in (
        ('step', 'peer', 'ours', STEP_TARGET),
        ('data', 'read_again', 'cached', DATA_TARGET),
    ):
        ratios = [r[slow] / r[fast] for r in rounds]
        ratio = statistics.median(ratios)
        lines.append(
            f'{name}, {slow} / {fast}: {ratio:.2f} ({min(ratios):.2f} to '
            f'{max(ratios):.2f}), target >= {target}: '
            f'{"met" if ratio >= target else "MISSED"}'
        )
    return '\n'.join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    return run_benchmark(parse_args(argv), measure, report)


if __name__ == '__main__':
    sys.exit(main())
