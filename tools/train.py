"""Train a recogniser from a config (MMAction2's options)."""

import sys

import _command
from _command import SEED

EXAMPLES = """\
examples:
  python tools/train.py configs/albar_sprites.py
  python tools/train.py configs/albar_sprites.py --work-dir work_dirs/run1 --seed 1 --resume
  python tools/train.py albar_mm::albar_hmdb51.py --auto-scale-lr \\
      --cfg-options train_dataloader.batch_size=4 train_dataloader.dataset.ann_file=train.txt
  python tools/train.py configs/erm_hmdb51.py --debias stillmix --debias-options prob=0.5
  python tools/train.py my_recognizer.py --debias albar --print-config
  torchrun --nproc_per_node=8 tools/train.py configs/albar_hmdb51.py --launcher pytorch
"""


def main(argv: list[str] | None = None) -> int:
    """Train as ``argv`` says, by default the command line; returns the exit status."""
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add('config', help='path of a config, or albar_mm::<name>')
    add(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from this checkpoint, or from the latest one in the work folder',
    )
    add('--amp', action='store_true', help='mixed precision')
    add('--no-validate', action='store_true', help='do not validate during training')
    add(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate from the config's base_batch_size to the real batch size",
    )
    add('--seed', type=SEED, help="random seed (default: the config's, or 0)")
    add('--diff-rank-seed', action='store_true', help='another seed in each process')
    add('--deterministic', action='store_true', help='deterministic cuDNN algorithms')
    add(
        '--debias',
        metavar='METHOD',
        help='mix a method into the config: mixup, videomix, sdn, be, actorcutmix, fame, stillmix, '
        'albar, albar+stillmix',
    )
    add(
        '--debias-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='options of the method, e.g. prob=0.5 boxes=people.jsonl',
    )
    add(
        '--print-config',
        action='store_true',
        help='print the config, or with --debias what the method changes, and end',
    )
    _command.add_run_options(parser)
    args = parser.parse_args(argv)

    def work() -> None:
        from albar_mm.engine.launch import print_config, train

        if args.print_config:
            print_config(args.config, args.cfg_options, args.debias, args.debias_options)
        else:
            train(**_command.options(args, 'print_config'))

    def how_to_go_on() -> str:
        from albar_mm.engine.launch import debiased, load_config, resume_hint, work_dir_of

        cfg = debiased(load_config(args.config, args.cfg_options), args.debias, args.debias_options)
        return resume_hint(work_dir_of(cfg, args.work_dir))

    return _command.run(work, debug=args.debug, on_interrupt=how_to_go_on)


if __name__ == '__main__':
    sys.exit(main())
