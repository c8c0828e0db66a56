"""Prepare a data set. For now: the embedded benchmark motion_sprites."""

import argparse
import sys

import _command

EXAMPLES = """\
examples:
  python tools/prepare_dataset.py motion_sprites
  python tools/prepare_dataset.py motion_sprites --out data/other --scene-rate 0.8 --train 800
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='dataset', required=True, metavar='DATASET')
    sprites = commands.add_parser(
        'motion_sprites', help='labelled clips whose class is the motion alone', epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = sprites.add_argument
    add('--out', default='data/motion_sprites', help='folder to write to')
    add('--seed', type=int, default=0)
    add('--scene-rate', type=float, default=0.95,
        help='share of clips whose background hints at the class (default: 0.95)')
    add('--look-rate', type=float, default=0.90,
        help="share of clips whose actor's look hints at the class (default: 0.90)")
    add('--train', type=int, default=2400, help='training clips (default: 2400)')
    add('--val', type=int, default=320, help='clips held out of train (default: 320)')
    add('--test', type=int, default=320, help='clips of each test set (default: 320)')
    add('--no-unbiased', action='store_true', help='leave out the unbiased training set')
    add('--workers', type=int, default=2, help='processes (default: 2)')
    add('--debug', action='store_true', help='show the trace of an error')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    args = parse_args(argv)

    def work() -> None:
        from albar_mm.datasets.motion_sprites import SpritesSettings, build_motion_sprites

        settings = SpritesSettings(args.seed, args.scene_rate, args.look_rate, args.train,
                                   args.val, args.test)
        build_motion_sprites(args.out, settings, not args.no_unbiased, args.workers)
        print(f'motion_sprites is complete in {args.out}')

    return _command.run(work, debug=args.debug, on_interrupt=lambda: (
        f'finished parts are kept in {args.out}; the same command goes on'))


if __name__ == '__main__':
    sys.exit(main())
