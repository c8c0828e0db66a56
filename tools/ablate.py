"""Run an ablation of the ALBAR paper on any ALBAR config and print its table."""

import sys

import _command

EXAMPLES = """\
examples:
  python tools/ablate.py configs/albar_sprites.py --which losses
  python tools/ablate.py configs/albar_sprites.py --which weights --seeds 0 1 2
  python tools/ablate.py configs/albar_sprites.py --which sweep --key optim_wrapper.optimizer.lr \\
      --values 1e-3 2e-3 --validate-only
"""


def main(argv: list[str] | None = None) -> int:
    """Run the tool on ``argv``, by default the command line; returns the exit status."""
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
    _command.add_experiment_options(parser, 'work_dirs/ablation')
    args = parser.parse_args(argv)

    def work() -> None:
        from albar_mm.experiments.ablation import run_ablation

        run_ablation(**_command.options(args))

    return _command.run_experiments(work, args)


if __name__ == '__main__':
    sys.exit(main())
