"""Score training frames with a reference network and keep telling ones, for StillMix."""

import sys
from dataclasses import fields
from pathlib import Path

import _command
from _command import COUNT, FROM_0, SEED, SHARE, number

EXAMPLES = """\
examples:
  python tools/train.py configs/stillmix/reference/resnet50_hmdb51.py
  python tools/build_frame_bank.py configs/stillmix/reference/resnet50_hmdb51.py \\
      work_dirs/resnet50_hmdb51/epoch_50.pth --out data/hmdb51/frame_bank.npz --report bank.png
  python tools/build_frame_bank.py configs/stillmix/reference/resnet50_kinetics400.py \\
      work_dirs/resnet50_kinetics400/epoch_50.pth --out data/kinetics400/frame_bank.npz \\
      --every 20 --window 0.5 1.0 --workers 16
  python tools/build_frame_bank.py configs/stillmix/reference/swin_tiny_hmdb51.py \\
      --published-scores hmdb51_swin_t.pkl --out data/hmdb51/frame_bank.npz

exit status: 0 complete, 1 failed, 3 built without the listed videos
see docs/frame_bank.md
"""


OPTIONS = {
    'config': dict(metavar='CONFIG', help='config of the reference network'),
    'checkpoint': dict(metavar='CHECKPOINT', nargs='?', help='its weights'),
    '--out': dict(type=Path, required=True, metavar='BANK.npz', help='bank to write'),
    '--window': dict(
        type=SHARE,
        nargs=2,
        default=(0.1, 1.0),
        metavar=('LOW', 'HIGH'),
        help='frames to keep, as shares of all, sorted by ascending probability (default: 0.1 1.0)',
    ),
    '--size': dict(type=COUNT, default=1024, help='frames to draw of those (default: 1024)'),
    '--measure': dict(
        default='top1',
        metavar='{top1,gt}',
        help='probability of the most probable class, or of the label (default: top1)',
    ),
    '--every': dict(
        type=COUNT,
        default=1,
        metavar='N',
        help='score every N-th frame (default: 1; StillMix took 20 for Kinetics-400)',
    ),
    '--frame-size': dict(
        type=number(1, 4096),
        default=224,
        metavar='PX',
        help="side of the bank's frames: that of the clips to mix them into (default: 224)",
    ),
    '--seed': dict(type=SEED, default=0, help='seed of the draw (default: 0)'),
    '--scores': dict(
        type=Path,
        metavar='FILE',
        help='scores to go on with, or to make (default: BANK.scores.jsonl)',
    ),
    '--published-scores': dict(
        type=Path, metavar='FILE.pkl', help="scores of StillMix's authors, in place of a checkpoint"
    ),
    '--skip-unreadable': dict(
        action='store_true',
        help='leave out videos that cannot be read; without it they stop the command at its end',
    ),
    '--report': dict(type=Path, metavar='PNG', help='draw the most and the least telling frames'),
    '--workers': dict(type=FROM_0, default=2, help='processes that read videos (default: 2)'),
    '--device': dict(help='where the network runs (default: a GPU if there is one)'),
    '--cfg-options': dict(
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='override settings of the config, e.g. train_dataloader.dataset.ann_file=train.txt',
    ),
}


def _work(args: _command.Args) -> int:
    from albar_mm.preparation.frame_bank.build import FrameBankOptions, build_frame_bank
    from albar_mm.utils.files import check_output

    if args.report:
        check_output(args.report)
    options = FrameBankOptions(
        **{one.name: vars(args)[one.name] for one in fields(FrameBankOptions)}
    )
    bank, lines = build_frame_bank(
        args.config,
        args.checkpoint,
        args.out,
        options,
        scores=args.scores,
        published=args.published_scores,
        cfg_options=args.cfg_options,
    )
    print(*lines, sep='\n')
    if args.report:
        from albar_mm.visualization.frame_bank_sheet import frame_bank_sheet

        print(frame_bank_sheet(args.report, bank))
    return _command.INCOMPLETE if bank.info['left_out'] else 0


main = _command.Command(
    __doc__,
    EXAMPLES,
    OPTIONS,
    _work,
    lambda args: 'finished videos are kept; the same command goes on',
).main

if __name__ == '__main__':
    sys.exit(main())
