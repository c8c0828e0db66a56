"""Detect the people in the videos of a list: the boxes that ActorCutMix and SDN need."""

import sys

import _command
from _command import COUNT

EXAMPLES = """\
examples:
  python tools/detect_people.py --list data/hmdb51/trainval_split1.txt \\
      --videos data/hmdb51/videos --detector onnx:yolov8n.onnx \\
      --out data/hmdb51/people.jsonl --workers 8
  python tools/detect_people.py --list data/hmdb51/trainval_split1.txt \\
      --videos data/hmdb51/videos --detector segmenter:selfie_segmentation.tflite \\
      --every 2 --out data/hmdb51/people.jsonl
  python tools/detect_people.py --list data/ucf101/trainval_split1.txt \\
      --videos data/ucf101/videos --detector file:UCF101_detections.npy \\
      --out data/ucf101/people.jsonl

exit status: 0 complete, 1 failed, 3 written without the videos that the report lists
(people.report.json beside people.jsonl)

see docs/person_boxes.md
"""
OPTIONS = {
    **_command.list_options('file of boxes to write, .jsonl'),
    '--detector': dict(
        default='hog',
        metavar='SPEC',
        help="hog (default: OpenCV's own, which misses many), onnx:MODEL, segmenter:MODEL, "
        'masks:SPEC, motion or file:PATH; --detector help explains them',
    ),
    '--every': dict(
        type=COUNT,
        default=1,
        metavar='N',
        help='look at every N-th frame; the others take the boxes of the nearest (default: 1)',
    ),
    '--workers': dict(type=COUNT, default=2, help='processes (default: 2)'),
}


def _work(args: _command.Args) -> int:
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


main = _command.Command(
    __doc__,
    EXAMPLES,
    OPTIONS,
    _work,
    lambda args: f'finished videos are kept in {args.out}.part; the same command goes on',
    lambda args: '' if args.detector == 'help' else _command.check_list(args),
).main

if __name__ == '__main__':
    sys.exit(main())
