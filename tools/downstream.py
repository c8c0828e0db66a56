"""Transfer a frozen encoder: features of untrimmed videos, anomalies and actions in them."""

import sys

import _command
from _command import COUNT, RATE, SEED, SHARE

LAYOUTS = ('mgfn', 'rtfm', 'ur-dmu', 'deepmil', 'ted-spad', 'actionformer', 'tridet', 'opentad')
SAMPLING = ('clip_len', 'frame_interval', 'stride', 'align', 'tail', 'padding')
CONFIGS = dict(anomaly='anomaly_mgfn_by_score.py', tal='tal_tridet_thumos14.py')
EXAMPLES = """\
examples:
  python tools/downstream.py anomaly                 the embedded job: plain and ALBAR encoder
  python tools/downstream.py tal                     the same for temporal action localisation
  python tools/downstream.py anomaly --help
  python tools/downstream.py features --help
  python tools/downstream.py export --help
  python tools/downstream.py import --help
"""
FEATURES = """\
extract features of videos with the encoder of any recogniser config

examples:
  python tools/downstream.py features --config configs/albar_hmdb51.py \\
      --checkpoint work_dirs/albar_hmdb51/epoch_30.pth --preset thumos14-swin \\
      --videos data/thumos14/videos --out data/thumos14/features_albar
  python tools/downstream.py features --config configs/albar_hmdb51.py --checkpoint albar.pth \\
      --preset ucf-crime-swin --videos Anomaly_Train.txt Anomaly_Test.txt --root data/ucf_crime \\
      --on-bad skip --out data/ucf_crime/features_albar
  torchrun --nproc_per_node 4 tools/downstream.py features ...      a GPU and a share for each
  python tools/downstream.py features ... --stride 16 --clip-len 16 --frame-interval 1

Videos that are in the store are not extracted again: after an interruption, run the same command.

exit status: 0 complete, 1 failed, 3 complete but for videos that cannot be read (failed.jsonl)

see docs/features.md
"""
EXPORT = """\
write a feature store as published code reads its features

examples:
  python tools/downstream.py export data/ucf_crime/features_albar MGFN/data --layout mgfn \\
      --lists train.list test.list
  python tools/downstream.py export data/thumos14/features_albar data/thumos/albar --layout tridet

A list (a video or feature file a line) is written anew beside the features, with their paths.

see docs/features.md
"""
IMPORT = """\
make a feature store of published features

examples:
  python tools/downstream.py import data/thumos/i3d_features data/thumos14/features_i3d \\
      --layout tridet --lengths data/thumos/annotations/thumos14.json --preset thumos14
  python tools/downstream.py import UCF_ten_crop_i3d data/ucf_crime/features_i3d --layout rtfm \\
      --lengths frame_counts.txt --fps 30 --preset ucf-crime --on-missing skip

exit status: 0 complete, 1 failed, 3 complete but for listed videos without features

see docs/features.md
"""
ANOMALY = """\
detect anomalies: train and test on features, score a video, or the embedded job

examples:
  python tools/downstream.py anomaly
  python tools/downstream.py anomaly --features data/ucf_crime/features_albar --seeds 0 1 2 \\
      --annotations data/ucf_crime/Anomaly_Train.txt \\
      data/ucf_crime/Temporal_Anomaly_Annotation_for_Testing_Videos.txt --work-dir work_dirs/ucf
  python tools/downstream.py anomaly --videos data/ucf_crime/videos --preset ucf-crime-swin \\
      --encoder-config configs/albar_hmdb51.py --encoder-checkpoint albar.pth \\
      --annotations train.txt test.txt --work-dir work_dirs/ucf
  python tools/downstream.py anomaly --score video.mp4 --encoder-config configs/albar_hmdb51.py \\
      --checkpoint work_dirs/ucf/detector/seed0/epoch_1000.pth \\
      --encoder-checkpoint albar.pth --out scored

Without --features, --videos and --score, videos are made from motion_sprites, and MGFN is trained
on features of the demo's plain and ALBAR encoder (which are trained first if make demo was not
run). An annotation has a video a line: a path, or name, kind, and first and last frame of each
event (-1 for none); test videos need the events. Finished parts are not repeated.

see docs/anomaly.md
"""
TAL = """\
localise actions: train and test on features, detect in a video, score detections, or the \
embedded job

examples:
  python tools/downstream.py tal
  python tools/downstream.py tal --features data/thumos14/features_albar --seeds 0 1 2 \\
      --annotations data/thumos14/thumos14.json --work-dir work_dirs/thumos14
  python tools/downstream.py tal --videos data/thumos14/videos --preset thumos14-swin \\
      --encoder-config configs/albar_hmdb51.py --encoder-checkpoint albar.pth \\
      --annotations data/thumos14/thumos14.json --work-dir work_dirs/thumos14
  python tools/downstream.py tal --config configs/downstream/tal_actionformer_thumos14.py ...
  python tools/downstream.py tal --detect video.mp4 --encoder-config configs/albar_hmdb51.py \\
      --checkpoint work_dirs/thumos14/detector/seed0/epoch_40.pth \\
      --encoder-checkpoint albar.pth --out detected
  python tools/downstream.py tal --evaluate found.json --annotations data/thumos14/thumos14.json

Without --features, --videos, --detect and --evaluate, videos are made from motion_sprites, and
TriDet is trained on features of the demo's plain and ALBAR encoder (which are trained first if make
demo was not run). Finished parts are not repeated. The annotation is JSON as ActionFormer and
TriDet read it: {"database": {video: {"subset", "fps", "duration", "annotations": [{"label",
"segment": [begin, end]}]}}}, in seconds; "Validation" videos train, "Test" videos test. --evaluate
scores detections of any code: {"results": {video: [{"label", "segment": [begin, end], "score"}]}},
as --detect and ActivityNet write them.

see docs/tal.md
"""


def _sampling_options(default: str = '') -> _command.Options:
    return {
        '--preset': dict(
            help='ucf-crime, ucf-crime-swin, thumos14 or thumos14-swin: how snippets are '
            'made; the options below come before it'
        ),
        '--clip-len': dict(type=COUNT, metavar='L', help=f'frames of a snippet{default}'),
        '--frame-interval': dict(
            type=COUNT, metavar='R', help=f'from a frame to its next{default}'
        ),
        '--stride': dict(type=COUNT, metavar='S', help='frames from one snippet to the next'),
        '--align': dict(choices=('left', 'centre'), help='where a snippet lies in its stride'),
        '--tail': dict(choices=('pad', 'drop'), help='snippets that reach beyond the video'),
        '--padding': dict(choices=('repeat', 'loop', 'zero'), help='what they see there'),
    }


def _job_options(name: str, single: str, detector: str) -> _command.Options:
    """What anomaly detection and action localisation take alike."""
    return {
        '--features': dict(metavar='STORE', help='features to train and test on'),
        '--videos': dict(
            nargs='+',
            metavar='WHAT',
            help='videos to extract features of first: folders, lists, globs or files',
        ),
        '--checkpoint': dict(help=f'weights of the detector, for --{single}'),
        '--encoder-config': dict(help=f'config of the encoder, for --videos and --{single}'),
        '--encoder-checkpoint': dict(help='its weights'),
        '--config': dict(
            help=f'config of the detector (default: {detector}; with '
            f'--{single} what the training kept of it beside the weights)'
        ),
        '--work-dir': dict(
            default=f'work_dirs/{name}', help='folder of the runs; finished ones are kept'
        ),
        '--seeds': dict(
            type=SEED, nargs='+', help='one training a seed (default: 0; embedded: 0 1 2)'
        ),
        '--cfg-options': dict(nargs='+', help='key=value settings for the detector'),
        '--configs': dict(default='configs', help='folder of the configs (default: configs)'),
        '--demo-dir': dict(default='work_dirs/demo', help="runs of the demo's encoders"),
        '--device': dict(help='of the encoder (default: a GPU if there is one)'),
        **_sampling_options(' (with --videos)'),
        '--workers': dict(type=COUNT, default=2, help='processes that render videos (default: 2)'),
    }


FEATURES_OPTIONS = {
    '--config': dict(required=True, help='config of the recogniser, or albar_mm::<name>'),
    '--checkpoint': dict(required=True, help='its weights'),
    '--videos': dict(
        nargs='+', required=True, metavar='WHAT', help='folders, lists, globs or files'
    ),
    '--out': dict(required=True, metavar='STORE', help='folder of the features'),
    '--root': dict(metavar='FOLDER', help='where the paths of lists start (default: at the list)'),
    '--ids': dict(choices=('stem', 'path'), default='stem', help='name videos by file or by path'),
    **_sampling_options(" (default: the config's)"),
    '--fps': dict(type=RATE, help='bring videos to this frame rate first'),
    '--crops': dict(type=int, choices=(1, 3, 10), help="crops of a frame (default: the config's)"),
    '--level': dict(
        default='pooled', help='pooled (default), logits, or a module, as backbone.layer3'
    ),
    '--decoder': dict(
        default='auto', help='torchcodec or pyav (default: the first that is installed)'
    ),
    '--on-bad': dict(
        choices=('fail', 'skip'),
        default='fail',
        help='with a video that cannot be read: stop (default), or list it and go on',
    ),
    '--batch-size': dict(type=COUNT, default=8, help='snippets encoded at once (default: 8)'),
    '--workers': dict(type=COUNT, help='videos decoded at once (default: 1, with a GPU 4)'),
    '--device': dict(help='cpu, cuda, cuda:1, ... (default: a GPU if there is one)'),
    '--amp': dict(action='store_true', help='half precision'),
    '--channels-last': dict(action='store_true', help='memory layout that some encoders like'),
    '--compile': dict(
        dest='compiled', action='store_true', help='compile the encoder: for long work'
    ),
    '--dtype': dict(choices=('float32', 'float16'), default='float32', help='(default: float32)'),
    '--shard': dict(metavar='I/N', help='only every N-th video, from number I (0 to N-1)'),
}
EXPORT_OPTIONS = {
    'store': dict(metavar='STORE', help='folder of the features'),
    'folder': dict(metavar='FOLDER', help='where to write'),
    '--layout': dict(choices=LAYOUTS, required=True, help='code that shall read them'),
    '--lists': dict(
        nargs='+',
        default=(),
        metavar='FILE',
        help='lists of videos to write anew; where the code takes labels from the position in the '
        'list, in the order that it expects',
    ),
}
IMPORT_OPTIONS = {
    'folder': dict(metavar='FOLDER', help='where the features lie'),
    'store': dict(metavar='STORE', help='folder of the new store'),
    '--layout': dict(choices=LAYOUTS, required=True, help='code that they were made for'),
    '--lengths': dict(
        required=True,
        metavar='FILE',
        help='the videos, and how long they are: annotation like that of ActivityNet (.json), or a '
        'video and its number of frames a line',
    ),
    '--fps': dict(type=RATE, help='frame rate of the videos, where that file tells none'),
    **_sampling_options(),
    '--note': dict(default='', help='where the features are from, for store.json'),
    '--on-missing': dict(
        choices=('fail', 'skip'),
        default='fail',
        help='with a listed video without features: stop (default), or list it and go on',
    ),
}
ANOMALY_OPTIONS = {
    '--annotations': dict(nargs=2, metavar=('TRAIN', 'TEST'), help='lists of the videos'),
    '--score': dict(metavar='VIDEO', help='score this video with --checkpoint'),
    '--out': dict(default='scored', help='folder of what --score writes (default: scored)'),
    '--threshold': dict(type=SHARE, default=0.5, help='score that marks a frame (default: 0.5)'),
    **_job_options(
        'anomaly',
        'score',
        'MGFN, snippets chosen by score; as published it is anomaly_mgfn_ucfcrime.py',
    ),
}
TAL_OPTIONS = {
    '--annotations': dict(metavar='FILE', help='actions of training and test videos'),
    '--detect': dict(metavar='VIDEO', help='detect actions in this video with --checkpoint'),
    '--out': dict(default='detected', help='folder of what --detect writes (default: detected)'),
    '--evaluate': dict(metavar='FILE', help='score the detections of this file and write nothing'),
    '--subset': dict(
        default='test', help='annotated videos that --evaluate is about (default: test)'
    ),
    '--threshold': dict(
        type=SHARE, default=0.2, help='score from which an action is told and drawn (default: 0.2)'
    ),
    '--on-missing': dict(
        choices=('fail', 'drop'),
        default='fail',
        help='with annotated videos without features: stop (default), or leave them and their '
        'actions out, and list them',
    ),
    **_job_options('tal', 'detect', 'TriDet as published'),
}


def _check(args: _command.Args) -> str:
    single = 'score' if args.command == 'anomaly' else 'detect'
    needed = {
        'features': ('annotations',),
        single: ('checkpoint', 'encoder_config', 'encoder_checkpoint'),
        'videos': ('annotations', 'encoder_config', 'encoder_checkpoint'),
    }
    if args.command == 'tal':
        needed['evaluate'] = ('annotations',)
    given = [job for job in needed if getattr(args, job)]
    if len(given) > 1:
        return f'--{" and --".join(given)} are different jobs: give one of them'
    for job in given:
        missing = [f'--{name.replace("_", "-")}' for name in needed[job] if not getattr(args, name)]
        if missing:
            return f'--{job} needs {", ".join(missing)}'
    annotated = [job for job, names in needed.items() if 'annotations' in names]
    if args.annotations and not set(given) & set(annotated):
        return f'--annotations needs --{" or --".join(annotated)}'
    return ''


def _sampling(args: _command.Args, *more: str) -> dict[str, object]:
    return {name: getattr(args, name) for name in (*SAMPLING, *more)}


def _features(args: _command.Args) -> int:
    from downstream.features.command import run_features

    given = _command.options(args, *SAMPLING, 'fps', 'crops')
    return run_features(**given, sampling=_sampling(args, 'fps', 'crops'))


def _export(args: _command.Args) -> None:
    from downstream.features.convert import export_features
    from downstream.features.store import FeatureStore

    store = FeatureStore(args.store)
    print('\n'.join(export_features(store, args.folder, args.layout, args.lists)))


def _import(args: _command.Args) -> int:
    from downstream.features.command import sampling_of
    from downstream.features.convert import import_features, read_lengths

    # the frame rate says how long a video is; the snippets were made at that rate
    snippets, _ = sampling_of(None, args.preset, **_sampling(args))
    videos = read_lengths(args.lengths, args.fps)
    lines, missing = import_features(
        args.folder, args.store, args.layout, snippets, videos, args.note, args.on_missing
    )
    print('\n'.join(lines))
    return _command.INCOMPLETE if missing else 0


def _detect(args: _command.Args) -> None:
    """Anomaly detection or action localisation."""
    from importlib import import_module

    job = import_module(f'downstream.{args.command}.jobs')
    seeds, options = args.seeds, args.cfg_options
    one = args.score if args.command == 'anomaly' else args.detect
    if one:
        job.run_on_one(
            one,
            args.checkpoint,
            args.out,
            encoder=args.encoder_config,
            weights=args.encoder_checkpoint,
            config=args.config,
            threshold=args.threshold,
            device=args.device or 'cpu',
        )
    elif getattr(args, 'evaluate', None):
        job.run_evaluate(args.evaluate, args.annotations, args.subset)
    elif args.features or args.videos:
        given = dict(missing=args.on_missing) if args.command == 'tal' else {}
        if args.videos:
            given['extract'] = dict(
                config=args.encoder_config,
                checkpoint=args.encoder_checkpoint,
                videos=args.videos,
                preset=args.preset,
                sampling=_sampling(args),
                device=args.device,
            )
        job.run_on_features(
            args.config or f'{args.configs}/downstream/{CONFIGS[args.command]}',
            args.features or f'{args.work_dir}/features',
            args.annotations,
            args.work_dir,
            seeds=seeds or [0],
            options=options,
            **given,
        )
    else:
        job.run_embedded(
            args.work_dir,
            args.demo_dir,
            args.configs,
            seeds or (0, 1, 2),
            options=options,
            workers=args.workers,
        )


_JOB = (_detect, _command.runs_are_kept, _check)
main = _command.Command(
    __doc__,
    EXAMPLES,
    commands={
        'features': _command.Command(
            *FEATURES.split('\n\n', 1),
            FEATURES_OPTIONS,
            _features,
            lambda args: f'finished videos are kept in {args.out}; the same command goes on',
        ),
        'export': _command.Command(*EXPORT.split('\n\n', 1), EXPORT_OPTIONS, _export),
        'import': _command.Command(*IMPORT.split('\n\n', 1), IMPORT_OPTIONS, _import),
        'anomaly': _command.Command(*ANOMALY.split('\n\n', 1), ANOMALY_OPTIONS, *_JOB),
        'tal': _command.Command(*TAL.split('\n\n', 1), TAL_OPTIONS, *_JOB),
    },
).main

if __name__ == '__main__':
    sys.exit(main())
