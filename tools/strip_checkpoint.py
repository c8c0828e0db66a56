"""Take the branches that exist in training alone (SDN's) out of a checkpoint."""

import sys

import _command

EXAMPLES = """\
examples:
  python tools/strip_checkpoint.py work_dirs/sdn_hmdb51/epoch_30.pth sdn_hmdb51.pth

The result loads into the stock config (Recognizer3D or Recognizer2D) with strict=True and predicts
the same. A checkpoint without such branches is copied.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the tool on ``argv``, by default the command line; returns the exit status."""
    parser = _command.parser(__doc__, EXAMPLES)
    parser.add_argument('source', metavar='IN', help='checkpoint to read; it is not changed')
    parser.add_argument('target', metavar='OUT', help='checkpoint to write')
    args = parser.parse_args(argv)

    def work() -> None:
        from albar_mm.engine.checkpoints.strip import strip_checkpoint

        print('\n'.join([*strip_checkpoint(args.source, args.target), args.target]))

    return _command.run(work, debug=args.debug)


if __name__ == '__main__':
    sys.exit(main())
