"""Train a biased baseline and ALBAR on motion_sprites; print a table, draw a picture."""

import sys

import _command
from _command import COUNT

EXAMPLES = """\
examples:
  python tools/demo.py
  python tools/demo.py --seeds 0 1 2 --ceiling --work-dir work_dirs/sprites_3_seeds
"""
OPTIONS = {
    '--configs': dict(default='configs', help='folder of the configs (default: configs)'),
    '--ceiling': dict(action='store_true', help='also train the baseline on unbiased data'),
    '--workers': dict(type=COUNT, default=2, help='processes that render the data (default: 2)'),
    **_command.experiment_options('work_dirs/demo'),
}


def _work(args: _command.Args) -> None:
    from albar_mm.experiments.demo import run_demo

    run_demo(**_command.options(args))


main = _command.Command(__doc__, EXAMPLES, OPTIONS, _work, _command.runs_are_kept).main

if __name__ == '__main__':
    sys.exit(main())
