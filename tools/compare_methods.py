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


def main(argv: list[str] | None = None) -> int:
    """Run the tool on ``argv``, by default the command line; returns the exit status."""
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add('config', help='config of the plain model, or albar_mm::<name>')
    add(
        '--methods',
        nargs='+',
        default=['all'],
        metavar='METHOD',
        help='none (the plain model), mixup, videomix, sdn, be, actorcutmix, fame, stillmix, '
        'albar, albar+stillmix, or all (default)',
    )
    add(
        '--jobs',
        type=COUNT,
        default=1,
        metavar='N',
        help='runs at the same time, which share the cores and take one GPU each in turn; what '
        'they print goes to output.txt in the folder of each (default: 1)',
    )
    add('--boxes', help='person boxes, for ActorCutMix and SDN')
    add('--scenes', help='scene labels, for SDN')
    add('--bank', help='frame bank, for StillMix')
    _command.add_experiment_options(parser, 'work_dirs/comparison')
    args = parser.parse_args(argv)

    def work() -> None:
        from albar_mm.experiments.comparison import run_comparison

        files = dict(boxes=args.boxes, scenes=args.scenes, bank=args.bank)
        run_comparison(**_command.options(args, *files), files=files)

    return _command.run_experiments(work, args)


if __name__ == '__main__':
    sys.exit(main())
