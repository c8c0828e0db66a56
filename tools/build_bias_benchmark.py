"""Make and check SCUBA, SCUFO and Confl-FG sets from test videos and masks of their actors."""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import _command
from _command import COUNT, FROM_0, SEED, number

EXAMPLES = """\
examples:
  python tools/build_bias_benchmark.py build hmdb51 --masks jhmdb:/data/jhmdb/puppet_mask \\
      --videos /data/jhmdb/ReCompress_Videos --published-names \\
      --backgrounds stripe Places365=/data/places/test_256 VQGAN=/data/vqgan --verify --report
  python tools/build_bias_benchmark.py verify data/hmdb51/bias \\
      --videos /data/jhmdb/ReCompress_Videos \\
      --backgrounds stripe Places365=/data/places/test_256 VQGAN=/data/vqgan
  python tools/build_bias_benchmark.py report data/hmdb51/bias \\
      --videos /data/jhmdb/ReCompress_Videos \\
      --backgrounds stripe Places365=/data/places/test_256 VQGAN=/data/vqgan
  python tools/build_bias_benchmark.py leakage --videos data/jhmdb21/videos \\
      --list data/jhmdb21/test_split1.txt --silhouettes jhmdb:/data/jhmdb/puppet_mask

see docs/build_benchmark.md
"""
BUILD = """\
DATASET: hmdb51, jhmdb21, ucf101, ucf101-boxes or kinetics400, which have defaults for all but
--masks; or any other name with --list and --videos.

masks (SPEC):
  jhmdb:FOLDER  png:FOLDER  npz:FOLDER  rle:FILE_OR_FOLDER    made by someone else
  boxes:FILE[,actors=all|first]  grabcut:FILE                 person boxes as they are, or refined
  dnn:MODEL  sam2:CHECKPOINT,boxes=FILE  motion               made here, see docs
  union(A,B)  within(A,boxes:FILE)                            from other masks

examples:
  python tools/build_bias_benchmark.py build hmdb51 --masks jhmdb:/data/jhmdb/puppet_mask \\
      --videos /data/jhmdb/ReCompress_Videos --published-names \\
      --backgrounds stripe Places365=/data/places/test_256 VQGAN=/data/vqgan
  python tools/build_bias_benchmark.py build ucf101 --masks grabcut:/data/pyannot.pkl \\
      --backgrounds stripe Places365=/data/places/test_256 --workers 16 --report
  python tools/build_bias_benchmark.py build ucf101-boxes --masks boxes:/data/pyannot.pkl
  python tools/build_bias_benchmark.py build kinetics400 --masks 'union(png:/m/p,png:/m/salient)'
  python tools/build_bias_benchmark.py build mine --list test.txt --videos videos --out bias \\
      --masks dnn:person.onnx --dry-run

exit status: 0 complete, 1 failed, 3 built without the listed videos that benchmark.json names
"""
VERIFY = """\
example:
  python tools/build_bias_benchmark.py verify data/hmdb51/bias \\
      --videos /data/jhmdb/ReCompress_Videos \\
      --backgrounds stripe Places365=/data/places/test_256 --sample 200

exit status: 0 all is as the manifests say, 1 something is not
"""
REPORT = """\
Writes ROOT/mask_statistics.{csv,json}, ROOT/contact_sheet/page_*.png and ROOT/contact_sheet.html.

example:
  python tools/build_bias_benchmark.py report data/ucf101/bias --videos data/ucf101/videos \\
      --backgrounds stripe Places365=/data/places/test_256 --boxes boxes:/data/pyannot.pkl
"""
LEAKAGE = """\
Writes leakage.json and leakage.png to --out.

examples:
  python tools/build_bias_benchmark.py leakage --videos data/jhmdb21/videos \\
      --list data/jhmdb21/test_split1.txt --silhouettes jhmdb:/data/jhmdb/puppet_mask \\
      --refined 'grabcut:{boxes}'
  python tools/build_bias_benchmark.py leakage --videos data/ucf101/videos \\
      --list data/ucf101/test_split1.txt --boxes boxes:/data/pyannot.pkl \\
      --silhouettes png:/data/ucf101_masks
"""
_GOES_ON = 'finished parts are kept; the same command goes on'
_AGAIN = 'run the same command again'
_WORKERS = {'--workers': dict(type=COUNT, help='processes (default: one per core)')}
_BACKGROUNDS = {
    '--backgrounds': dict(
        nargs='+',
        default=['stripe'],
        metavar='stripe|NAME=FOLDER',
        help='background families (default: stripe)',
    ),
}
_ROOT = {
    'root': dict(type=Path, metavar='ROOT', help='folder of the benchmark'),
    '--videos': dict(type=Path, required=True, help='folder of the source videos'),
    **_BACKGROUNDS,
}
BUILD_OPTIONS = {
    'dataset': dict(metavar='DATASET', help='name of the data set, see below'),
    '--masks': dict(required=True, metavar='SPEC', help='where the masks come from, see below'),
    **_BACKGROUNDS,
    '--videos': dict(type=Path, help='folder of the videos (default: data/DATASET/videos)'),
    '--list': dict(
        type=Path, help='"path label" lines (default: that of tools/prepare_dataset.py)'
    ),
    '--lists': dict(type=Path, metavar='FOLDER', help='folder of the official lists instead'),
    '--split': dict(type=int, choices=(1, 2, 3), default=1, help='official split for --lists'),
    '--label-map': dict(type=Path, help='class names, one a line (default: beside the list)'),
    '--training-lists': dict(
        type=Path,
        nargs='*',
        metavar='FILE',
        help='lists that must name none of the videos (default: those beside the list)',
    ),
    '--out': dict(type=Path, help='folder to write to (default: data/DATASET/bias)'),
    '--name': dict(help='first part of the folder names (default: HMDB51, UCF101, ...)'),
    '--per-video': dict(type=COUNT, metavar='N', help='variants (default: as published, else 10)'),
    '--seed': dict(type=SEED, default=0, help='seed of all draws (default: 0)'),
    '--sets': dict(nargs='+', choices=('scuba', 'scufo', 'conflfg'), help='default: all'),
    '--empty-frames': dict(
        choices=('keep', 'cut', 'nearest', 'background', 'error'),
        help='frames without a mask: keep them as background alone (default, as published, for '
        'hmdb51, jhmdb21, kinetics400), that between the first and the last mask (background: '
        'ucf101, ucf101-boxes), cut both ends and take the nearest mask between (other names), '
        'the nearest mask always, or refuse the video',
    ),
    '--missing-masks': dict(
        choices=('fail', 'drop'),
        help='videos without masks: stop, or leave them out (default: drop for hmdb51, ucf101, '
        'ucf101-boxes, kinetics400)',
    ),
    '--fps': dict(
        metavar='RATE|native',
        help='keep frames of the videos at this rate (default: 15 for kinetics400, as published, '
        'else native)',
    ),
    '--published-names': dict(
        action='store_true',
        help='leave out JHMDB clips with # in their names, which the published sets do not have: '
        '256 of 257',
    ),
    '--encoding': dict(
        choices=('jpeg', 'lossless', 'none'),
        default='jpeg',
        help='none writes masks and manifests alone, to composite on the fly (default: jpeg)',
    ),
    '--cover-filter': dict(
        metavar='FRAMES,COVER',
        help='keep videos of which this share of frames has this share of mask, or none '
        '(default: 0.9,0.1 for kinetics400)',
    ),
    '--min-side': dict(
        type=COUNT, default=64, help='least side of background images (default: 64)'
    ),
    '--dry-run': dict(action='store_true', help='write plan.jsonl alone; needs no videos'),
    '--verify': dict(action='store_true', help='check the sets right after'),
    '--report': dict(
        action='store_true', help='write contact sheet and mask statistics right after'
    ),
}
VERIFY_OPTIONS = {
    **_ROOT,
    '--sample': dict(
        type=COUNT, default=50, metavar='N', help='items to render again (default: 50)'
    ),
    '--all': dict(action='store_true', help='render all items again'),
    '--seed': dict(type=SEED, default=0, help='seed of which (default: 0)'),
}
REPORT_OPTIONS = {
    **_ROOT,
    '--per-class': dict(
        type=FROM_0, default=2, help='videos of every class to show (default: 2; 0: all)'
    ),
    '--suspicious': dict(
        type=FROM_0, default=20, help='suspicious videos before them (default: 20)'
    ),
    '--variant': dict(
        type=FROM_0, default=0, metavar='K', help='which variant to show (default: 0)'
    ),
    '--boxes': dict(metavar='SPEC', help='boxes:FILE, to count how much of the boxes is kept'),
}
LEAKAGE_OPTIONS = {
    '--videos': dict(type=Path, required=True, help='folder of the videos'),
    '--list': dict(type=Path, nargs='+', required=True, metavar='FILE', help='"path label" lines'),
    '--label-map': dict(type=Path, help='class names, one a line (default: beside the list)'),
    '--silhouettes': dict(required=True, metavar='SPEC', help='masks taken as the truth'),
    '--boxes': dict(metavar='SPEC', help='boxes (default: bounding boxes of the silhouettes)'),
    '--refined': dict(
        metavar='SPEC', help='a third mask source; {boxes} in it is the file of boxes'
    ),
    '--out': dict(type=Path, default=Path('leakage'), help='folder to write to (default: leakage)'),
    '--frames': dict(type=COUNT, default=4, metavar='N', help='frames of every video (default: 4)'),
    '--margin': dict(
        type=FROM_0,
        default=4,
        metavar='PX',
        help='pixels next to the silhouette that do not count as background (default: 4)',
    ),
    '--folds': dict(type=number(2), default=5, help='folds of the cross-validation (default: 5)'),
    '--seed': dict(type=SEED, default=0, help='seed of the folds (default: 0)'),
    '--missing-masks': dict(choices=('fail', 'drop'), default='fail', help='videos without masks'),
}


def _build(args: _command.Args) -> int:
    from albar_mm.bias_sets import build, presets
    from albar_mm.bias_sets.masks.parse import parse_masks

    started, preset = time.monotonic(), presets.preset_of(args.dataset)
    root, videos = args.out or preset.root, args.videos or preset.folder / 'videos'
    families = build.background_families(args.backgrounds, args.min_side)
    own = 'name per_video seed sets empty_frames encoding missing_masks cover_filter fps'.split()
    settings = presets.build_settings(
        preset,
        families,
        parse_masks(args.masks),
        published_names=args.published_names,
        **{name: getattr(args, name) for name in own},
    )
    lists = (args.list, args.lists, args.split, args.label_map, args.training_lists)
    sources = build.source_videos(preset, videos, *lists)
    if args.dry_run:
        left, counts = build.plan_benchmark(root, settings, sources, args.workers)
        print(*build.plan_lines(root, left, counts), sep='\n')
        return _command.INCOMPLETE if left.left_out else 0
    built = build.build_benchmark(root, settings, sources, args.workers)
    seconds = time.monotonic() - started
    print(*build.summary(built), build.cost_line(built, seconds), sep='\n')
    if args.report:
        _print_report(root, videos, families, settings.masks, args.workers)
    sound = not args.verify or _print_verified(root, videos, families, 50, 0, args.workers)
    return (_command.INCOMPLETE if built.described['left_out'] else 0) if sound else _command.FAILED


def _verify(args: _command.Args) -> int:
    from albar_mm.bias_sets.build import background_families

    families, sample = background_families(args.backgrounds), None if args.all else args.sample
    given = (args.root, args.videos, families, sample, args.seed, args.workers)
    return 0 if _print_verified(*given) else _command.FAILED


def _report(args: _command.Args) -> None:
    from albar_mm.bias_sets.build import background_families
    from albar_mm.bias_sets.masks.parse import parse_masks

    families = background_families(args.backgrounds)
    boxes = parse_masks(args.boxes) if args.boxes else None
    chosen = {name: getattr(args, name) for name in ('per_class', 'suspicious', 'variant')}
    _print_report(args.root, args.videos, families, boxes, args.workers, **chosen)


def _leakage(args: _command.Args) -> int:
    from albar_mm.visualization.leakage_report import leakage_report

    given = _command.options(args)
    lines, left_out = leakage_report(lists=given.pop('list'), **given)
    print(*lines, sep='\n')
    return _command.INCOMPLETE if left_out else 0


def _print_verified(
    root: Path, videos: Path, families: object, sample: int | None, seed: int, workers: int
) -> bool:
    from albar_mm.bias_sets.verify import verify_benchmark

    findings, files, rendered = verify_benchmark(root, videos, families, sample, seed, workers)
    number = len(findings) or 'no'
    total = f'{files} files and {rendered} items rendered again: {number} findings'
    print(*findings, total, sep='\n')
    return not findings


def _print_report(
    root: Path, videos: Path, families: object, boxes: object, workers: int, **chosen: int
) -> None:
    from albar_mm.visualization.contact_sheet import report_benchmark

    print(*report_benchmark(root, videos, families, boxes, workers=workers, **chosen), sep='\n')


def _work(work: Callable[[_command.Args], object], args: _command.Args) -> object:
    from albar_mm.utils.parallel import default_workers

    args.workers = args.workers or default_workers()
    return work(args)


main = _command.Command(
    __doc__,
    EXAMPLES,
    commands={
        work.__name__[1:]: _command.Command(
            what,
            examples,
            {**options, **_WORKERS},
            partial(_work, work),
            lambda args, kept=kept: kept,
        )
        for work, what, examples, options, kept in (
            (_build, 'make sets, or go on making them', BUILD, BUILD_OPTIONS, _GOES_ON),
            (_verify, 'check built sets', VERIFY, VERIFY_OPTIONS, _AGAIN),
            (
                _report,
                'pictures and statistics to check masks by eye',
                REPORT,
                REPORT_OPTIONS,
                _AGAIN,
            ),
            (_leakage, 'how much background masks let through', LEAKAGE, LEAKAGE_OPTIONS, _AGAIN),
        )
    },
    metavar='COMMAND',
).main

if __name__ == '__main__':
    sys.exit(main())
