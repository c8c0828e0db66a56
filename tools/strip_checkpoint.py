"""Take the branches that exist in training alone (SDN's) out of a checkpoint."""

import sys

import _command

EXAMPLES = """\
examples:
  python tools/strip_checkpoint.py work_dirs/sdn_hmdb51/epoch_30.pth sdn_hmdb51.pth

The result loads into the stock config (Recognizer3D or Recognizer2D) with strict=True and predicts
the same. A checkpoint without such branches is copied.
"""
OPTIONS = {
    'source': dict(metavar='IN', help='checkpoint to read; it is not changed'),
    'target': dict(metavar='OUT', help='checkpoint to write'),
}


def _work(args: _command.Args) -> None:
    from albar_mm.engine.checkpoints.convert import strip_checkpoint

    print('\n'.join([*strip_checkpoint(args.source, args.target), args.target]))


main = _command.Command(__doc__, EXAMPLES, OPTIONS, _work).main

if __name__ == '__main__':
    sys.exit(main())
