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
OPTIONS = {
    'config': dict(help='path of an ALBAR config, or albar_mm::<name>'),
    '--which': dict(
        required=True,
        choices=('losses', 'frame', 'weights', 'sweep'),
        help="Table 3, Table 4, Tables 10-12 of the paper, or a setting of one's own",
    ),
    '--key': dict(help='setting to sweep, e.g. optim_wrapper.optimizer.lr'),
    '--values': dict(nargs='+', help='its values'),
    '--rows': dict(nargs='+', help='run only rows whose name starts with one of these, e.g. "(a)"'),
    **_command.experiment_options('work_dirs/ablation'),
    **_command.VALIDATE_ONLY,
}


def _work(args: _command.Args) -> None:
    from albar_mm.experiments.ablation import run_ablation

    run_ablation(**_command.options(args))


main = _command.Command(__doc__, EXAMPLES, OPTIONS, _work, _command.runs_are_kept).main

if __name__ == '__main__':
    sys.exit(main())
