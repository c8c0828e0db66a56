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
OPTIONS = {
    'config': dict(help='path of a config, or albar_mm::<name>'),
    '--resume': dict(
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from this checkpoint, or from the latest one in the work folder',
    ),
    '--amp': dict(action='store_true', help='mixed precision'),
    '--no-validate': dict(action='store_true', help='do not validate during training'),
    '--auto-scale-lr': dict(
        action='store_true',
        help="scale the learning rate from the config's base_batch_size to the real batch size",
    ),
    '--seed': dict(type=SEED, help="random seed (default: the config's, or 0)"),
    '--diff-rank-seed': dict(action='store_true', help='another seed in each process'),
    '--deterministic': dict(action='store_true', help='deterministic cuDNN algorithms'),
    '--debias': dict(
        metavar='METHOD',
        help='mix a method into the config: mixup, videomix, sdn, be, actorcutmix, fame, stillmix, '
        'albar, albar+stillmix',
    ),
    '--debias-options': dict(
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='options of the method, e.g. prob=0.5 boxes=people.jsonl',
    ),
    '--print-config': dict(
        action='store_true',
        help='print the config, or with --debias what the method changes, and end',
    ),
    **_command.RUN_OPTIONS,
}


def _work(args: _command.Args) -> None:
    from albar_mm.engine.launch import print_config, train

    if args.print_config:
        print_config(args.config, args.cfg_options, args.debias, args.debias_options)
    else:
        train(**_command.options(args, 'print_config'))


def _kept(args: _command.Args) -> str:
    from albar_mm.engine.launch import debiased, load_config, resume_hint, work_dir_of

    cfg = debiased(load_config(args.config, args.cfg_options), args.debias, args.debias_options)
    return resume_hint(work_dir_of(cfg, args.work_dir))


main = _command.Command(__doc__, EXAMPLES, OPTIONS, _work, _kept).main

if __name__ == '__main__':
    sys.exit(main())
