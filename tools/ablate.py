"""Run an ablation of the ALBAR paper on any ALBAR config and print its table."""

import argparse
import sys

import _command

EXAMPLES = """\
examples:
  python tools/ablate.py configs/albar_sprites.py --which losses
  python tools/ablate.py configs/albar_sprites.py --which weights --seeds 0 1 2
  python tools/ablate.py configs/albar_sprites.py --which sweep --key optim_wrapper.optimizer.lr \\
      --values 1e-3 2e-3 --validate-only
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add('config', help='path of an ALBAR config, or albar_mm::<name>')
    add(
        '--which',
        required=True,
        choices=('losses', 'frame', 'weights', 'sweep'),
        help="Table 3, Table 4, Tables 10-12 of the paper, or a setting of one's own",
    )
    add('--key', help='setting to sweep, e.g. optim_wrapper.optimizer.lr')
    add('--values', nargs='+', help='its values')
    add('--rows', nargs='+', help='run only rows whose name starts with one of these, e.g. "(a)"')
    add('--seeds', type=int, nargs='+', default=[0], help='one run for each (default: 0)')
    add('--work-dir', default='work_dirs/ablation', help='finished runs there are not repeated')
    add('--cfg-options', nargs='+', help='key=value settings for every run')
    add(
        '--validate-only',
        action='store_true',
        help='leave out the test sets: how settings are chosen',
    )
    add('--trials', help='JSON-lines file to append every setting and its validation scores to')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    args = parse_args(argv)

    def work() -> None:
        from albar_mm.experiments.ablation import run_ablation

        run_ablation(
            args.config,
            args.which,
            args.work_dir,
            seeds=args.seeds,
            key=args.key,
            values=args.values,
            rows=args.rows,
            cfg_options=args.cfg_options,
            test_after=not args.validate_only,
            trials=args.trials,
        )

    return _command.run(
        work,
        debug=args.debug,
        on_interrupt=lambda: f'finished runs are kept in {args.work_dir}; the same command goes on',
    )


if __name__ == '__main__':
    sys.exit(main())
