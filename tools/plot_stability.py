"""Draw static bias over training from the logs of one or more runs (paper Fig. 5)."""

import argparse
import sys

import _command
from _command import number

EXAMPLES = """\
examples:
  python tools/plot_stability.py work_dirs/albar_sprites
  python tools/plot_stability.py work_dirs/with_gp work_dirs/without_gp \\
      --labels 'with penalty' 'without penalty' --out stability.png
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add('runs', nargs='+', metavar='RUN', help='work folder of a training')
    add('--labels', nargs='+', help='a name for each run (default: the names of the folders)')
    add('--out', default='stability.png', help='picture to write (default: stability.png)')
    add(
        '--num-classes',
        type=number(2),
        help="for the chance levels (default: as in the runs' configs)",
    )
    add('--title', default='Static bias during training', help='heading')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    args = parse_args(argv)

    def work() -> None:
        from albar_mm.visualization import plot_stability

        path, notes = plot_stability(args.runs, args.out, args.labels, args.num_classes, args.title)
        for note in notes:
            print(f'note: {note}', file=sys.stderr)
        print(path)

    return _command.run(work, debug=args.debug)


if __name__ == '__main__':
    sys.exit(main())
