"""Prepare a data set: official split lists in, verified MMAction2 annotation files out."""

import importlib
import sys
from functools import partial

import _command
from _command import COUNT, SEED, SHARE

EXAMPLES = """\
examples:
  python tools/prepare_dataset.py motion_sprites
  python tools/prepare_dataset.py motion_sprites --out data/other --scene-rate 0.8
  python tools/prepare_dataset.py jhmdb21 --source /data/hmdb51_jhmdb21
  python tools/prepare_dataset.py hmdb51 --videos /data/hmdb51/videos --lists /data/hmdb51/splits
  python tools/prepare_dataset.py hmdb51 --val-share 0.2
  python tools/prepare_dataset.py ucf101 --videos /data/UCF-101 --lists /data/ucfTrainTestlist
  python tools/prepare_dataset.py kinetics400 --videos /data/k400 --lists /data/k400/csv \\
      --missing drop --workers 16
  python tools/prepare_dataset.py ucf_crime --lists /data/ucf_crime --videos /data/ucf_crime/videos
  python tools/prepare_dataset.py thumos14 --annotations thumos14.json --videos /data/thumos14
"""
EPILOG = """
exit status: 0 complete, 1 failed, 3 written without the clips that report.json lists

see docs/prepare_data.md
"""
OFFICIAL = dict(
    hmdb51='the 51 classes of HMDB51',
    ucf101='the 101 classes of UCF101',
    kinetics400='Kinetics-400 (its official val list is the test set)',
    jhmdb21='real HMDB51 clips of the 21 classes that JHMDB annotated',
)


_MISSING = dict(choices=('fail', 'drop'), default='fail')
_DROP = 'with missing videos: write nothing (default), or leave them out'
SPRITES_OPTIONS = {
    '--out': dict(default='data/motion_sprites', help='folder to write to'),
    '--seed': dict(type=SEED, default=0),
    '--scene-rate': dict(
        type=SHARE,
        default=0.95,
        help='share of clips whose background hints at the class (default: 0.95)',
    ),
    '--look-rate': dict(
        type=SHARE,
        default=0.90,
        help="share of clips whose actor's look hints at the class (default: 0.90)",
    ),
    '--train': dict(type=COUNT, default=2400, help='training clips (default: 2400)'),
    '--val': dict(type=COUNT, default=320, help='clips held out of train (default: 320)'),
    '--test': dict(type=COUNT, default=320, help='clips of each test set (default: 320)'),
    '--no-unbiased': dict(action='store_true', help='leave out the unbiased training set'),
    '--workers': dict(type=COUNT, default=2, help='processes (default: 2)'),
}
UCF_CRIME_OPTIONS = {
    '--lists': dict(
        default='data/ucf_crime/annotations',
        help='folder of the official lists (default: data/ucf_crime/annotations)',
    ),
    '--videos': dict(help='folder that the paths of the lists start at (default: not looked for)'),
    '--out': dict(default='data/ucf_crime', help='folder to write to (default: data/ucf_crime)'),
    '--missing': dict(_MISSING, help=_DROP),
}
THUMOS14_OPTIONS = {
    '--annotations': dict(
        required=True, metavar='FILE', help='thumos14.json, as ActionFormer and TriDet read it'
    ),
    '--videos': dict(
        help='folder of the videos, named like in the annotation (default: not looked for)'
    ),
    '--out': dict(default='data/thumos14', help='folder to write to (default: data/thumos14)'),
    '--missing': dict(_MISSING, help=_DROP),
}


def _official_options(name: str) -> dict[str, dict]:
    options = {
        '--videos': dict(
            help=f'folder of the videos (default: data/{name}/videos); linked to there'
        ),
        '--lists': dict(help=f'folder of the official lists (default: data/{name}/annotations)'),
    }
    if name == 'jhmdb21':
        text = 'folder of index.csv and videos/<class>/<name>.avi'
        options = {'--source': dict(required=True, help=text)}
    if name in ('hmdb51', 'ucf101'):
        splits = dict(type=int, choices=(1, 2, 3), default=1)
        options['--split'] = dict(splits, help='official split (default: 1)')
    return options | {
        '--out': dict(default=f'data/{name}', help=f'folder to write to (default: data/{name})'),
        '--val-share': dict(
            type=SHARE,
            default=0.1,
            metavar='SHARE',
            help='share of the training clips held out for validation, 0 for none (default: 0.1); '
            'trainval holds all of them in any case',
        ),
        '--seed': dict(type=SEED, default=0, help='seed of what is held out (default: 0)'),
        '--workers': dict(type=COUNT, default=2, help='processes that check videos (default: 2)'),
        '--missing': dict(
            _MISSING,
            help='with missing or broken videos: write nothing (default), or leave them out',
        ),
        '--decode': dict(
            choices=('first', 'all', 'none'),
            help='check of every video: decode the first frame, all frames, or only see whether '
            'the file is there (default: all for hmdb51 and jhmdb21, else first)',
        ),
        '--delimiter': dict(
            choices=('space', 'tab'),
            help='between path and label (default: space; kinetics400, whose folders hold blanks: '
            'tab)',
        ),
    }


def _examples_of(name: str, epilog: str = EPILOG) -> str:
    first, *rest = EXAMPLES.split('  python ')
    own = [f'  python {text}' for text in rest if text.split()[1] == name]
    return f'{first}{"".join(own)}{epilog}'


def _prepare_sprites(args: _command.Args) -> None:
    from albar_mm.datasets.motion_sprites import SpritesSettings, build_motion_sprites

    settings = SpritesSettings(
        args.seed, args.scene_rate, args.look_rate, args.train, args.val, args.test
    )
    build_motion_sprites(args.out, settings, not args.no_unbiased, args.workers)
    print(f'motion_sprites is complete in {args.out}')


def _prepare_official(args: _command.Args) -> int:
    from pathlib import Path

    from albar_mm.annotations.video_lists import DELIMITERS
    from albar_mm.preparation.prepare import prepare_dataset

    if args.command == 'jhmdb21':
        lists, videos = Path(args.source), Path(args.source, 'videos')
    else:
        lists, videos = (Path(p) if p else None for p in (args.lists, args.videos))
    done = prepare_dataset(
        args.command,
        Path(args.out),
        lists,
        videos,
        getattr(args, 'split', 1),
        args.val_share,
        args.seed,
        args.workers,
        args.missing,
        args.decode,
        DELIMITERS.get(args.delimiter),
    )
    print(
        f'{args.command} is ready in {args.out}'
        + (f' without {done.left_out} clips: {done.report}' if done.left_out else '')
    )
    return _command.INCOMPLETE if done.left_out else 0


def _prepare_other(module: str, source: str, args: _command.Args) -> int:
    """What a transfer reads, by ``prepare_<data set>`` of its package."""
    prepare = getattr(importlib.import_module(module), f'prepare_{args.command}')
    lines, left_out = prepare(getattr(args, source), args.out, args.videos, args.missing)
    print('\n'.join(lines))
    return _command.INCOMPLETE if left_out else 0


main = _command.Command(
    __doc__,
    EXAMPLES,
    commands={
        **{
            name: _command.Command(
                text,
                _examples_of(name),
                _official_options(name),
                _prepare_official,
                lambda args: (
                    f'no annotation file was written to {args.out}; run the same command again'
                ),
            )
            for name, text in OFFICIAL.items()
        },
        'motion_sprites': _command.Command(
            'labelled clips whose class is the motion alone',
            _examples_of('motion_sprites', ''),
            SPRITES_OPTIONS,
            _prepare_sprites,
            lambda args: f'finished parts are kept in {args.out}; the same command goes on',
        ),
        'ucf_crime': _command.Command(
            'UCF-Crime for tools/downstream.py anomaly',
            _examples_of('ucf_crime'),
            UCF_CRIME_OPTIONS,
            partial(_prepare_other, 'downstream.anomaly.annotations', 'lists'),
        ),
        'thumos14': _command.Command(
            'THUMOS14 for tools/downstream.py tal',
            _examples_of('thumos14'),
            THUMOS14_OPTIONS,
            partial(_prepare_other, 'downstream.tal.checks', 'annotations'),
        ),
    },
    metavar='DATASET',
).main

if __name__ == '__main__':
    sys.exit(main())
