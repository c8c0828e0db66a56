"""Draw static bias over training from the logs of one or more runs (paper Fig. 5)."""

import sys

import _command
from _command import number

EXAMPLES = """\
examples:
  python tools/plot_stability.py work_dirs/albar_sprites
  python tools/plot_stability.py work_dirs/with_gp work_dirs/without_gp \\
      --labels 'with penalty' 'without penalty' --out stability.png
"""
OPTIONS = {
    'runs': dict(nargs='+', metavar='RUN', help='work folder of a training'),
    '--labels': dict(nargs='+', help='a name for each run (default: the names of the folders)'),
    '--out': dict(default='stability.png', help='picture to write (default: stability.png)'),
    '--num-classes': dict(
        type=number(2), help="for the chance levels (default: as in the runs' configs)"
    ),
    '--title': dict(default='Static bias during training', help='heading'),
}


def _work(args: _command.Args) -> None:
    from albar_mm.visualization import plot_stability

    path, notes = plot_stability(args.runs, args.out, args.labels, args.num_classes, args.title)
    for note in notes:
        print(f'note: {note}', file=sys.stderr)
    print(path)


main = _command.Command(__doc__, EXAMPLES, OPTIONS, _work).main

if __name__ == '__main__':
    sys.exit(main())
