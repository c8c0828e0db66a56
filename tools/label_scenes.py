"""Label the scenes of the videos of a list with an image classifier: what SDN needs."""

import sys

import _command
from _command import COUNT

EXAMPLES = """\
examples:
  python tools/label_scenes.py --list data/hmdb51/trainval_split1.txt --videos data/hmdb51/videos \\
      --classifier onnx:resnet50_places365.onnx,size=224x224,mean=0.485/0.456/0.406,std=0.229/0.224/0.225,softmax=true \\
      --out data/hmdb51/scenes.npz --workers 8
  python tools/label_scenes.py --list data/hmdb51/trainval_split1.txt --videos data/hmdb51/videos \\
      --classifier mmpretrain:places365.py,places365.pth --frames 5 --hard --out data/hmdb51/scenes.jsonl

exit status: 0 complete, 1 failed, 3 written without the videos that <out>.report.json lists

see docs/sdn.md
"""  # noqa: E501
OPTIONS = {
    **_command.list_options('file of labels to write, .npz or .jsonl'),
    '--classifier': dict(
        required=True,
        metavar='SPEC',
        help='onnx:MODEL or mmpretrain:CONFIG,CHECKPOINT; --classifier help explains them',
    ),
    '--frames': dict(
        type=COUNT,
        default=10,
        metavar='N',
        help='frames of every video to look at, spread evenly (default: 10)',
    ),
    '--hard': dict(
        action='store_true',
        help='write the class that most frames vote for, not the mean probabilities',
    ),
    '--workers': dict(type=COUNT, default=2, help='processes, for onnx (default: 2)'),
}


def _work(args: _command.Args) -> int:
    from albar_mm.preparation.scenes import (
        CLASSIFIERS_HELP,
        label_scenes,
        parse_classifier,
        summary,
    )

    if args.classifier == 'help':
        print(CLASSIFIERS_HELP)
        return 0
    classifier = parse_classifier(args.classifier)
    done = label_scenes(
        args.list,
        args.videos,
        args.out,
        classifier,
        args.frames,
        args.hard,
        args.missing,
        args.workers,
    )
    print('\n'.join(summary(done)))
    return _command.INCOMPLETE if done.row['left_out'] else 0


main = _command.Command(
    __doc__,
    EXAMPLES,
    OPTIONS,
    _work,
    lambda args: f'finished videos are kept in {args.out}.part.jsonl; the same command goes on',
    lambda args: '' if args.classifier == 'help' else _command.check_list(args),
).main

if __name__ == '__main__':
    sys.exit(main())
