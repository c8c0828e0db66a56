"""Train a biased baseline and ALBAR on motion_sprites; print a table, draw a picture."""

import argparse
import sys

import _command

EXAMPLES = """\
examples:
  python tools/demo.py
  python tools/demo.py --seeds 0 1 2 --ceiling --work-dir work_dirs/sprites_3_seeds
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add('--work-dir', default='work_dirs/demo', help='finished runs there are not repeated')
    add('--configs', default='configs', help='folder of the configs (default: configs)')
    add('--seeds', type=int, nargs='+', default=[0], help='one training of each model per seed')
    add('--ceiling', action='store_true', help='also train the baseline on unbiased data')
    add('--cfg-options', nargs='+', help='key=value settings for every model')
    add('--trials', help='JSON-lines file to append every setting and its validation scores to')
    add('--workers', type=int, default=2, help='processes that render the data (default: 2)')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    args = parse_args(argv)

    def work() -> None:
        from albar_mm.experiments.demo import run_demo

        run_demo(
            args.work_dir,
            args.configs,
            args.seeds,
            args.ceiling,
            args.cfg_options,
            trials=args.trials,
            workers=args.workers,
        )

    return _command.run(
        work,
        debug=args.debug,
        on_interrupt=lambda: f'finished runs are kept in {args.work_dir}; the same command goes on',
    )


if __name__ == '__main__':
    sys.exit(main())
