"""Join short clips to untrimmed videos with exactly known events."""

import sys

import _command
from _command import COUNT, RATE, SEED, SHARE, number

EXAMPLES = """\
examples:
  python tools/join_clips.py data/cctv_fights data/cctv_untrimmed --background nofight
  python tools/join_clips.py data/hmdb51/videos data/hmdb51_untrimmed --background sit stand \\
      --eventless 0 --events 2 5

FOLDER holds a folder of clips for each class. Clips of the background classes fill a video, those
of the others are inserted as events; no clip is in training and in test videos. Beside the videos
lie train.txt and test.txt (for tools/downstream.py anomaly) and segments.json (for temporal action
localisation).
"""


def main(argv: list[str] | None = None) -> int:
    """Run the tool on ``argv``, by default the command line; returns the exit status."""
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    add('folder', metavar='FOLDER', help='folder with a folder of clips for each class')
    add('out', metavar='OUT', help='folder to write to')
    add('--background', nargs='+', required=True, metavar='CLASS', help='classes that fill a video')
    add('--train', type=COUNT, default=120, help='training videos (default: 120)')
    add('--test', type=COUNT, default=40, help='test videos (default: 40)')
    some = dict(type=COUNT, nargs=2, metavar=('FEWEST', 'MOST'))
    add('--fillers', **some, default=(6, 10), help='background clips of a video (default: 6 10)')
    add('--events', **some, default=(1, 2), help='events of a video that has some (default: 1 2)')
    add('--eventless', type=SHARE, default=0.5, help='share of videos without one (default: 0.5)')
    add('--test-share', type=SHARE, default=0.25, help='clips of a class for tests (default: 0.25)')
    add('--fps', type=RATE, default=25, help='frame rate of the videos (default: 25)')
    size = dict(type=number(16, 4096), nargs=2, metavar=('HEIGHT', 'WIDTH'))
    add('--size', **size, default=(120, 160), help='of the frames in px (default: 120 160)')
    add('--seed', type=SEED, default=0, help='of all random choices (default: 0)')
    add('--decoder', default='auto', help='torchcodec or pyav')
    args = parser.parse_args(argv)

    def work() -> None:
        from downstream.features.joining import JoinSettings, join_clips

        settings = JoinSettings(
            tuple(args.background),
            args.train,
            args.test,
            tuple(args.fillers),
            tuple(args.events),
            args.eventless,
            args.test_share,
            args.fps,
            *args.size,
            args.seed,
        )
        print('\n'.join(join_clips(args.folder, args.out, settings, args.decoder)))

    return _command.run(work, debug=args.debug)


if __name__ == '__main__':
    sys.exit(main())
