"""Detect the people in the videos of a list: the boxes that ActorCutMix and SDN need."""

import argparse
import sys

import _command
from _command import COUNT

EXAMPLES = """\
examples:
  python tools/detect_people.py --list data/hmdb51/train_split1.txt --videos data/hmdb51/videos \\
      --detector onnx:yolov8n.onnx --out data/hmdb51/people.jsonl --workers 8
  python tools/detect_people.py --list data/hmdb51/train_split1.txt --videos data/hmdb51/videos \\
      --detector segmenter:selfie_segmentation.tflite --every 2 --out data/hmdb51/people.jsonl
  python tools/detect_people.py --list data/ucf101/train_split1.txt --videos data/ucf101/videos \\
      --detector file:UCF101_detections.npy --out data/ucf101/people.jsonl

exit status: 0 complete, 1 failed, 3 written without the videos that the report lists
(people.report.json beside people.jsonl)

see docs/person_boxes.md
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = _command.parser(__doc__, EXAMPLES)
    add = parser.add_argument
    _command.add_list_options(parser, 'file of boxes to write, .jsonl')
    add(
        '--detector',
        default='hog',
        metavar='SPEC',
        help="hog (default: OpenCV's own, which misses many), onnx:MODEL, segmenter:MODEL, "
        'masks:SPEC, motion or file:PATH; --detector help explains them',
    )
    add(
        '--every',
        type=COUNT,
        default=1,
        metavar='N',
        help='look at every N-th frame; the others take the boxes of the nearest (default: 1)',
    )
    add('--workers', type=COUNT, default=2, help='processes (default: 2)')
    args = parser.parse_args(argv)
    if args.detector != 'help':
        _command.check_list_options(parser, args)
    return args


def _detect(args: argparse.Namespace) -> int:
    from albar_mm.preparation.people.detect import (
        DETECTORS_HELP,
        detect_people,
        parse_detector,
        summary,
    )

    if args.detector == 'help':
        print(DETECTORS_HELP)
        return 0
    detector = parse_detector(args.detector, args.every)
    done = detect_people(args.list, args.videos, args.out, detector, args.missing, args.workers)
    print('\n'.join(summary(done)))
    return _command.INCOMPLETE if done.row['left_out'] else 0


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    args = parse_args(argv)
    return _command.run(
        lambda: _detect(args),
        debug=args.debug,
        on_interrupt=lambda: (
            f'finished videos are kept in {args.out}.part; the same command goes on'
        ),
    )


if __name__ == '__main__':
    sys.exit(main())
