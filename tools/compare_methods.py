"""Train and test every debiasing method on one config: the table of the ALBAR paper."""

import sys

import _command
from _command import COUNT

EXAMPLES = """\
examples:
  python tools/prepare_dataset.py motion_sprites
  python tools/compare_methods.py configs/compare_sprites.py --methods all --seeds 0 1 2 --jobs 2
  python tools/compare_methods.py configs/erm_hmdb51.py --methods none fame albar \\
      --work-dir work_dirs/compare_hmdb51
  python tools/compare_methods.py my_recognizer.py --boxes people.jsonl --scenes scenes.jsonl \\
      --bank bank.npz

The config is that of the plain model; its variable 'comparison' may name files and options by
method (configs/compare_sprites.py). Finished runs are not repeated.
"""
OPTIONS = {
    'config': dict(help='config of the plain model, or albar_mm::<name>'),
    '--methods': dict(
        nargs='+',
        default=['all'],
        metavar='METHOD',
        help='none (the plain model), mixup, videomix, sdn, be, actorcutmix, fame, stillmix, '
        'albar, albar+stillmix, or all (default)',
    ),
    '--jobs': dict(
        type=COUNT,
        default=1,
        metavar='N',
        help='runs at the same time, which share the cores and take one GPU each in turn; what '
        'they print goes to output.txt in the folder of each (default: 1)',
    ),
    '--boxes': dict(help='person boxes, for ActorCutMix and SDN'),
    '--scenes': dict(help='scene labels, for SDN'),
    '--bank': dict(help='frame bank, for StillMix'),
    **_command.experiment_options('work_dirs/comparison'),
    **_command.VALIDATE_ONLY,
}


def _work(args: _command.Args) -> None:
    from albar_mm.experiments.comparison import run_comparison

    files = dict(boxes=args.boxes, scenes=args.scenes, bank=args.bank)
    run_comparison(**_command.options(args, *files), files=files)


main = _command.Command(__doc__, EXAMPLES, OPTIONS, _work, _command.runs_are_kept).main

if __name__ == '__main__':
    sys.exit(main())
