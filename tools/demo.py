"""Train a biased baseline and ALBAR on motion_sprites; print a table, draw a picture."""

import sys

import _command
from _command import COUNT

EXAMPLES = """\
examples:
  python tools/demo.py
  python tools/demo.py --seeds 0 1 2 --ceiling --work-dir work_dirs/sprites_3_seeds
"""


def main(argv: list[str] | None = None) -> int:
    """Run the tool on ``argv``, by default the command line; returns the exit status."""
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add('--configs', default='configs', help='folder of the configs (default: configs)')
    add('--ceiling', action='store_true', help='also train the baseline on unbiased data')
    add('--workers', type=COUNT, default=2, help='processes that render the data (default: 2)')
    _command.add_experiment_options(parser, 'work_dirs/demo', may_skip_tests=False)
    args = parser.parse_args(argv)

    def work() -> None:
        from albar_mm.experiments.demo import run_demo

        run_demo(**_command.options(args))

    return _command.run_experiments(work, args)


if __name__ == '__main__':
    sys.exit(main())
