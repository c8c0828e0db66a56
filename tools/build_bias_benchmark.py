"""Make and check SCUBA, SCUFO and Confl-FG sets from test videos and masks of their actors."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import _command
from _command import COUNT, FROM_0, SEED, number

EXAMPLES = """\
examples:
  python tools/build_bias_benchmark.py build hmdb51 --masks jhmdb:/data/jhmdb/puppet_mask \\
      --backgrounds stripe Places365=/data/places/test_256 VQGAN=/data/vqgan --verify --report
  python tools/build_bias_benchmark.py verify data/hmdb51/bias --videos data/hmdb51/videos \\
      --backgrounds stripe Places365=/data/places/test_256 VQGAN=/data/vqgan
  python tools/build_bias_benchmark.py report data/hmdb51/bias --videos data/hmdb51/videos \\
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
  boxes:FILE  grabcut:FILE                                    person boxes as they are, or refined
  dnn:MODEL  sam2:CHECKPOINT,boxes=FILE  motion               made here, see docs
  union(A,B)  within(A,boxes:FILE)                            from other masks

examples:
  python tools/build_bias_benchmark.py build hmdb51 --masks jhmdb:/data/jhmdb/puppet_mask \\
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
  python tools/build_bias_benchmark.py verify data/hmdb51/bias --videos data/hmdb51/videos \\
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


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = _command.parser(__doc__, EXAMPLES)
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for fill, work, what, examples in (
        (_add_build, _build, 'make sets, or go on making them', BUILD),
        (_add_verify, _verify, 'check built sets', VERIFY),
        (_add_report, _report, 'pictures and statistics to check masks by eye', REPORT),
        (_add_leakage, _leakage, 'how much background masks let through', LEAKAGE),
    ):
        made = _command.add_command(commands, work.__name__[1:], what, examples)
        made.set_defaults(work=work)
        fill(made.add_argument)
        made.add_argument('--workers', type=COUNT, help='processes (default: one per core)')
    return parser.parse_args(argv)


def _add_build(add: Callable) -> None:
    add('dataset', metavar='DATASET', help='name of the data set, see below')
    add('--masks', required=True, metavar='SPEC', help='where the masks come from, see below')
    _add_backgrounds(add)
    add('--videos', type=Path, help='folder of the videos (default: data/DATASET/videos)')
    add('--list', type=Path, help='"path label" lines (default: that of tools/prepare_dataset.py)')
    add('--lists', type=Path, metavar='FOLDER', help='folder of the official lists instead')
    add('--split', type=int, choices=(1, 2, 3), default=1, help='official split for --lists')
    add('--label-map', type=Path, help='class names, one a line (default: beside the list)')
    add(
        '--training-lists',
        type=Path,
        nargs='*',
        metavar='FILE',
        help='lists that must name none of the videos (default: those beside the list)',
    )
    add('--out', type=Path, help='folder to write to (default: data/DATASET/bias)')
    add('--name', help='first part of the folder names (default: HMDB51, UCF101, ...)')
    add('--per-video', type=COUNT, metavar='N', help='variants (default: as published, else 10)')
    add('--seed', type=SEED, default=0, help='seed of all draws (default: 0)')
    add('--sets', nargs='+', choices=('scuba', 'scufo', 'conflfg'), help='default: all')
    add(
        '--empty-frames',
        choices=('cut', 'nearest', 'background', 'error'),
        default='cut',
        help='frames without a mask: cut both ends and take the nearest mask between (default), '
        'the nearest mask always, background alone between as published, or refuse the video',
    )
    add(
        '--missing-masks',
        choices=('fail', 'drop'),
        help='videos without masks: stop, or leave them out (default: drop for hmdb51, ucf101, '
        'kinetics400)',
    )
    add(
        '--encoding',
        choices=('jpeg', 'lossless', 'none'),
        default='jpeg',
        help='none writes masks and manifests alone, to composite on the fly (default: jpeg)',
    )
    add(
        '--cover-filter',
        metavar='FRAMES,COVER',
        help='keep videos of which this share of frames has this share of mask, or none '
        '(default: 0.9,0.1 for kinetics400)',
    )
    add('--min-side', type=COUNT, default=64, help='least side of background images (default: 64)')
    add('--dry-run', action='store_true', help='write plan.jsonl alone; needs no videos')
    add('--verify', action='store_true', help='check the sets right after')
    add('--report', action='store_true', help='write contact sheet and mask statistics right after')


def _add_backgrounds(add: Callable) -> None:
    add(
        '--backgrounds',
        nargs='+',
        default=['stripe'],
        metavar='stripe|NAME=FOLDER',
        help='background families (default: stripe)',
    )


def _add_root(add: Callable) -> None:
    add('root', type=Path, metavar='ROOT', help='folder of the benchmark')
    add('--videos', type=Path, required=True, help='folder of the source videos')
    _add_backgrounds(add)


def _add_verify(add: Callable) -> None:
    _add_root(add)
    add('--sample', type=COUNT, default=50, metavar='N', help='items to render again (default: 50)')
    add('--all', action='store_true', help='render all items again')
    add('--seed', type=SEED, default=0, help='seed of which (default: 0)')


def _add_report(add: Callable) -> None:
    _add_root(add)
    add(
        '--per-class',
        type=FROM_0,
        default=2,
        help='videos of every class to show (default: 2; 0: all)',
    )
    add('--suspicious', type=FROM_0, default=20, help='suspicious videos before them (default: 20)')
    add('--variant', type=FROM_0, default=0, metavar='K', help='which variant to show (default: 0)')
    add('--boxes', metavar='SPEC', help='boxes:FILE, to count how much of the boxes is kept')


def _add_leakage(add: Callable) -> None:
    add('--videos', type=Path, required=True, help='folder of the videos')
    add('--list', type=Path, nargs='+', required=True, metavar='FILE', help='"path label" lines')
    add('--label-map', type=Path, help='class names, one a line (default: beside the list)')
    add('--silhouettes', required=True, metavar='SPEC', help='masks taken as the truth')
    add('--boxes', metavar='SPEC', help='boxes (default: bounding boxes of the silhouettes)')
    add('--refined', metavar='SPEC', help='a third mask source; {boxes} in it is the file of boxes')
    add('--out', type=Path, default=Path('leakage'), help='folder to write to (default: leakage)')
    add('--frames', type=COUNT, default=4, metavar='N', help='frames of every video (default: 4)')
    add(
        '--margin',
        type=FROM_0,
        default=4,
        metavar='PX',
        help='pixels next to the silhouette that do not count as background (default: 4)',
    )
    add('--folds', type=number(2), default=5, help='folds of the cross-validation (default: 5)')
    add('--seed', type=SEED, default=0, help='seed of the folds (default: 0)')
    add('--missing-masks', choices=('fail', 'drop'), default='fail', help='videos without masks')


def _build(args: argparse.Namespace) -> int:
    from albar_mm.bias_sets import build
    from albar_mm.bias_sets.masks.parse import parse_masks

    started, preset = time.monotonic(), build.preset_of(args.dataset)
    root, videos = args.out or preset.root, args.videos or preset.folder / 'videos'
    families = build.background_families(args.backgrounds, args.min_side)
    own = ('name', 'per_video', 'seed', 'sets', 'empty_frames', 'encoding', 'missing_masks')
    settings = build.build_settings(
        preset,
        families,
        masks=parse_masks(args.masks),
        cover_filter=args.cover_filter,
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


def _verify(args: argparse.Namespace) -> int:
    from albar_mm.bias_sets.build import background_families

    families, sample = background_families(args.backgrounds), None if args.all else args.sample
    given = (args.root, args.videos, families, sample, args.seed, args.workers)
    return 0 if _print_verified(*given) else _command.FAILED


def _report(args: argparse.Namespace) -> None:
    from albar_mm.bias_sets.build import background_families
    from albar_mm.bias_sets.masks.parse import parse_masks

    families = background_families(args.backgrounds)
    boxes = parse_masks(args.boxes) if args.boxes else None
    chosen = {name: getattr(args, name) for name in ('per_class', 'suspicious', 'variant')}
    _print_report(args.root, args.videos, families, boxes, args.workers, **chosen)


def _leakage(args: argparse.Namespace) -> int:
    from albar_mm.visualization.leakage_report import leakage_report

    given = {key: value for key, value in vars(args).items() if key not in ('command', 'debug')}
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


def _work(args: argparse.Namespace) -> int | None:
    from albar_mm.utils.parallel import default_workers

    args.workers = args.workers or default_workers()
    return vars(args).pop('work')(args)


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    args = parse_args(argv)
    kept = 'run the same command again'
    if args.command == 'build':
        kept = 'finished parts are kept; the same command goes on'
    return _command.run(lambda: _work(args), debug=args.debug, on_interrupt=lambda: kept)


if __name__ == '__main__':
    sys.exit(main())
