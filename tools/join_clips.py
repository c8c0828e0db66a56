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
_RANGE = dict(type=COUNT, nargs=2, metavar=('FEWEST', 'MOST'))
OPTIONS = {
    'folder': dict(metavar='FOLDER', help='folder with a folder of clips for each class'),
    'out': dict(metavar='OUT', help='folder to write to'),
    '--background': dict(
        nargs='+', required=True, metavar='CLASS', help='classes that fill a video'
    ),
    '--train': dict(type=COUNT, default=120, help='training videos (default: 120)'),
    '--test': dict(type=COUNT, default=40, help='test videos (default: 40)'),
    '--fillers': dict(
        **_RANGE, default=(6, 10), help='background clips of a video (default: 6 10)'
    ),
    '--events': dict(
        **_RANGE, default=(1, 2), help='events of a video that has some (default: 1 2)'
    ),
    '--eventless': dict(type=SHARE, default=0.5, help='share of videos without one (default: 0.5)'),
    '--test-share': dict(
        type=SHARE, default=0.25, help='clips of a class for tests (default: 0.25)'
    ),
    '--fps': dict(type=RATE, default=25, help='frame rate of the videos (default: 25)'),
    '--size': dict(
        type=number(16, 4096),
        nargs=2,
        metavar=('HEIGHT', 'WIDTH'),
        default=(120, 160),
        help='of the frames in px (default: 120 160)',
    ),
    '--seed': dict(type=SEED, default=0, help='of all random choices (default: 0)'),
    '--decoder': dict(default='auto', help='torchcodec or pyav'),
}


def _work(args: _command.Args) -> None:
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


main = _command.Command(__doc__, EXAMPLES, OPTIONS, _work).main

if __name__ == '__main__':
    sys.exit(main())
