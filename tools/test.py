"""Test a checkpoint on the test set of a config (MMAction2's options)."""

import argparse
import os
import sys

import _command

EXAMPLES = """\
examples:
  python tools/test.py configs/albar_sprites.py work_dirs/albar_sprites/epoch_10.pth
  python tools/test.py work_dirs/run1/albar_sprites.py work_dirs/run1/best.pth --dump pred.pkl
  torchrun --nproc_per_node=8 tools/test.py CONFIG CHECKPOINT --launcher pytorch
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add('config', help='path of a config, or albar_mm::<name>')
    add('checkpoint', help='path or address of the weights')
    add('--work-dir', help='folder for logs and results (default: ./work_dirs/<config name>)')
    add('--dump', metavar='FILE.pkl', help='write the predictions to this file')
    add(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='override settings of the config, e.g. test_dataloader.batch_size=1 key="[a,b]"',
    )
    add('--show', action='store_true', help='show predictions in a window')
    add('--show-dir', help='write pictures of predictions to this folder')
    add('--interval', type=int, default=1, help='draw one of so many samples')
    add('--wait-time', type=float, default=2, help='seconds that each window stays')
    add('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    add('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def main(argv: list[str] | None = None) -> int:
    """Test and return the exit status.

    Args:
        argv: As for :func:`parse_args`.
    """
    args = parse_args(argv)

    def work() -> None:
        from albar_mm.engine.launch import test

        options = {k: v for k, v in vars(args).items() if k not in ('local_rank', 'debug')}
        test(options.pop('config'), options.pop('checkpoint'), **options)

    return _command.run(work, debug=args.debug)


if __name__ == '__main__':
    sys.exit(main())
