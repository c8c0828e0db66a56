"""Test a checkpoint on the test set of a config (MMAction2's options)."""

import sys

import _command
from _command import COUNT, number

EXAMPLES = """\
examples:
  python tools/test.py configs/albar_sprites.py work_dirs/albar_sprites/epoch_10.pth
  python tools/test.py work_dirs/run1/albar_sprites.py work_dirs/run1/best.pth --dump pred.pkl
  torchrun --nproc_per_node=8 tools/test.py CONFIG CHECKPOINT --launcher pytorch
"""
OPTIONS = {
    'config': dict(help='path of a config, or albar_mm::<name>'),
    'checkpoint': dict(help='path or address of the weights'),
    '--dump': dict(metavar='FILE.pkl', help='write the predictions to this file'),
    '--show': dict(action='store_true', help='show predictions in a window'),
    '--show-dir': dict(help='write pictures of predictions to this folder'),
    '--interval': dict(type=COUNT, default=1, help='draw one of so many samples'),
    '--wait-time': dict(
        type=number(0, 3600, float), default=2, help='seconds that each window stays'
    ),
    **_command.RUN_OPTIONS,
}


def _work(args: _command.Args) -> None:
    from albar_mm.engine.launch import test

    test(**_command.options(args))


main = _command.Command(__doc__, EXAMPLES, OPTIONS, _work).main

if __name__ == '__main__':
    sys.exit(main())
