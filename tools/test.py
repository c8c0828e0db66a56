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


def main(argv: list[str] | None = None) -> int:
    """Test as ``argv`` says, by default the command line; returns the exit status."""
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add('config', help='path of a config, or albar_mm::<name>')
    add('checkpoint', help='path or address of the weights')
    add('--dump', metavar='FILE.pkl', help='write the predictions to this file')
    add('--show', action='store_true', help='show predictions in a window')
    add('--show-dir', help='write pictures of predictions to this folder')
    add('--interval', type=COUNT, default=1, help='draw one of so many samples')
    add(
        '--wait-time', type=number(0, 3600, float), default=2, help='seconds that each window stays'
    )
    _command.add_run_options(parser)
    args = parser.parse_args(argv)

    def work() -> None:
        from albar_mm.engine.launch import test

        test(**_command.options(args))

    return _command.run(work, debug=args.debug)


if __name__ == '__main__':
    sys.exit(main())
