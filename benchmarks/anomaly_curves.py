"""Whether a detector of anomalies keeps the moment: scores of frames while it trains.

Features show the truth in two of 16 channels, beside noise. Every row of settings is trained ten
times as long as it needs, once a seed (of data, weights and batches), and tested all along: ROC-AUC
over all frames, and within anomalous videos, where only the moment counts. With ``--peer`` the
published code of MGFN is trained beside ours by the same runner: same initial weights, batches and
random selections. Finished trainings are kept in the work folder.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

import _command  # noqa: E402
from _anomaly_curves import ROWS, measure, report  # noqa: E402
from _run import run_benchmark  # noqa: E402

EXAMPLES = """\
examples:
  python benchmarks/anomaly_curves.py --rows small small-by-score --seeds 3
  python benchmarks/anomaly_curves.py --peer MGFN --out benchmarks/results/anomaly_curves.json \\
      --picture docs/anomaly_curves.png
  python benchmarks/anomaly_curves.py --rows embedded --seeds 3 \\
      --features work_dirs/anomaly/features/albar \\
      --annotations data/anomaly_sprites/train.txt data/anomaly_sprites/test.txt
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add(
        '--rows',
        nargs='+',
        choices=ROWS,
        metavar='ROW',
        help='settings, of: ' + ', '.join(ROWS) + ' (default: all that are for oracle features)',
    )
    add('--seeds', type=int, default=10, help='trainings of each row (default: 10)')
    add('--peer', metavar='FOLDER', help='a clone of the published code of MGFN, trained too')
    add('--features', metavar='STORE', help='train on these features instead')
    add('--annotations', nargs=2, metavar=('TRAIN', 'TEST'), help='their lists')
    add(
        '--noise',
        type=int,
        default=0,
        metavar='N',
        help='further trainings of seed 0, whose '
        'initial weights are off by one in a million (default: 0)',
    )
    add('--jobs', type=int, default=2, help='trainings side by side (default: 2)')
    add('--work-dir', default='work_dirs/anomaly_curves', help='folder of finished trainings')
    add('--out', help='JSON file to write, e.g. benchmarks/results/anomaly_curves.json')
    add('--picture', help='PNG file to draw')
    args = parser.parse_args(argv)
    if min(args.seeds, args.jobs) < 1 or args.noise < 0:
        parser.error('--seeds and --jobs must be at least 1, --noise at least 0')
    if bool(args.features) != bool(args.annotations):
        parser.error('--features and --annotations belong together')
    return args


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    return run_benchmark(parse_args(argv), measure, report)


if __name__ == '__main__':
    sys.exit(main())
