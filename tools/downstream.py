"""Transfer a frozen encoder: features of untrimmed videos, anomalies and actions in them."""

import argparse
import sys

import _command
from _command import COUNT, RATE, SEED, SHARE

LAYOUTS = ('mgfn', 'rtfm', 'ur-dmu', 'deepmil', 'ted-spad', 'actionformer', 'tridet', 'opentad')
SAMPLING = ('clip_len', 'frame_interval', 'stride', 'align', 'tail', 'padding', 'fps')
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


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    parser = _command.parser(__doc__, EXAMPLES)
    commands = parser.add_subparsers(dest='command', required=True)
    for name, text, add_options in (
        ('features', FEATURES, _add_features),
        ('export', EXPORT, _add_export),
        ('import', IMPORT, _add_import),
        ('anomaly', ANOMALY, _add_anomaly),
        ('tal', TAL, _add_tal),
    ):
        add_options(_command.add_command(commands, name, *text.split('\n\n', 1)))
    args = parser.parse_args(argv)
    if args.command in ('anomaly', 'tal'):
        _check_job(parser, args, 'score' if args.command == 'anomaly' else 'detect')
    return args


def _add_features(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('--config', required=True, help='config of the recogniser, or albar_mm::<name>')
    add('--checkpoint', required=True, help='its weights')
    add('--videos', nargs='+', required=True, metavar='WHAT', help='folders, lists, globs or files')
    add('--out', required=True, metavar='STORE', help='folder of the features')
    add('--root', metavar='FOLDER', help='where the paths of lists start (default: at the list)')
    add('--ids', choices=('stem', 'path'), default='stem', help='name videos by file or by path')
    _add_sampling(parser, " (default: the config's)")
    add('--fps', type=RATE, help='bring videos to this frame rate first')
    add('--crops', type=int, choices=(1, 3, 10), help="crops of a frame (default: the config's)")
    add(
        '--level',
        default='pooled',
        help='pooled (default), logits, or a module, as backbone.layer3',
    )
    add(
        '--decoder',
        default='auto',
        help='torchcodec or pyav (default: the first that is installed)',
    )
    add(
        '--on-bad',
        choices=('fail', 'skip'),
        default='fail',
        help='with a video that cannot be read: stop (default), or list it and go on',
    )
    add('--batch-size', type=COUNT, default=8, help='snippets encoded at once (default: 8)')
    add('--workers', type=COUNT, help='videos decoded at once (default: 1, with a GPU 4)')
    add('--device', help='cpu, cuda, cuda:1, ... (default: a GPU if there is one)')
    add('--amp', action='store_true', help='half precision')
    add('--channels-last', action='store_true', help='memory layout that some encoders like')
    add(
        '--compile', dest='compiled', action='store_true', help='compile the encoder: for long work'
    )
    add('--dtype', choices=('float32', 'float16'), default='float32', help='(default: float32)')
    add('--shard', metavar='I/N', help='only every N-th video, from number I (0 to N-1)')


def _add_sampling(parser: argparse.ArgumentParser, default: str = '') -> None:
    add = parser.add_argument
    add(
        '--preset',
        help='ucf-crime, ucf-crime-swin, thumos14 or thumos14-swin: how snippets are '
        'made; the options below come before it',
    )
    add('--clip-len', type=COUNT, metavar='L', help=f'frames of a snippet{default}')
    add('--frame-interval', type=COUNT, metavar='R', help=f'from a frame to its next{default}')
    add('--stride', type=COUNT, metavar='S', help='frames from one snippet to the next')
    add('--align', choices=('left', 'centre'), help='where a snippet lies in its stride')
    add('--tail', choices=('pad', 'drop'), help='snippets that reach beyond the video')
    add('--padding', choices=('repeat', 'loop', 'zero'), help='what they see there')


def _add_export(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('store', metavar='STORE', help='folder of the features')
    add('folder', metavar='FOLDER', help='where to write')
    add('--layout', choices=LAYOUTS, required=True, help='code that shall read them')
    add(
        '--lists',
        nargs='+',
        default=(),
        metavar='FILE',
        help='lists of videos to write anew; where the code takes labels from the position in the '
        'list, in the order that it expects',
    )


def _add_import(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('folder', metavar='FOLDER', help='where the features lie')
    add('store', metavar='STORE', help='folder of the new store')
    add('--layout', choices=LAYOUTS, required=True, help='code that they were made for')
    add(
        '--lengths',
        required=True,
        metavar='FILE',
        help='the videos, and how long they are: annotation like that of ActivityNet (.json), or a '
        'video and its number of frames a line',
    )
    add('--fps', type=RATE, help='frame rate of the videos, where that file tells none')
    _add_sampling(parser)
    add('--note', default='', help='where the features are from, for store.json')
    add(
        '--on-missing',
        choices=('fail', 'skip'),
        default='fail',
        help='with a listed video without features: stop (default), or list it and go on',
    )


def _add_anomaly(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('--annotations', nargs=2, metavar=('TRAIN', 'TEST'), help='lists of the videos')
    add('--score', metavar='VIDEO', help='score this video with --checkpoint')
    add('--out', default='scored', help='folder of what --score writes (default: scored)')
    add('--threshold', type=SHARE, default=0.5, help='score that marks a frame (default: 0.5)')
    published = 'MGFN, snippets chosen by score; as published it is anomaly_mgfn_ucfcrime.py'
    _add_job(parser, 'anomaly', 'score', published)


def _add_tal(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('--annotations', metavar='FILE', help='actions of training and test videos')
    add('--detect', metavar='VIDEO', help='detect actions in this video with --checkpoint')
    add('--out', default='detected', help='folder of what --detect writes (default: detected)')
    add('--evaluate', metavar='FILE', help='score the detections of this file and write nothing')
    add(
        '--subset', default='test', help='annotated videos that --evaluate is about (default: test)'
    )
    add(
        '--threshold',
        type=SHARE,
        default=0.2,
        help='score from which an action is told and drawn (default: 0.2)',
    )
    add(
        '--on-missing',
        choices=('fail', 'drop'),
        default='fail',
        help='with annotated videos without features: stop (default), or leave them and their '
        'actions out, and list them',
    )
    _add_job(parser, 'tal', 'detect', 'TriDet as published')


def _add_job(parser: argparse.ArgumentParser, name: str, single: str, detector: str) -> None:
    """What anomaly detection and action localisation take alike."""
    add = parser.add_argument
    add('--features', metavar='STORE', help='features to train and test on')
    add(
        '--videos',
        nargs='+',
        metavar='WHAT',
        help='videos to extract features of first: folders, lists, globs or files',
    )
    add('--checkpoint', help=f'weights of the detector, for --{single}')
    add('--encoder-config', help=f'config of the encoder, for --videos and --{single}')
    add('--encoder-checkpoint', help='its weights')
    add(
        '--config',
        help=f'config of the detector (default: {detector}; with '
        f'--{single} the one beside its weights)',
    )
    add(
        '--work-dir', default=f'work_dirs/{name}', help='folder of the runs; finished ones are kept'
    )
    add('--seeds', type=SEED, nargs='+', help='one training a seed (default: 0; embedded: 0 1 2)')
    add('--cfg-options', nargs='+', help='key=value settings for the detector')
    add('--configs', default='configs', help='folder of the configs (default: configs)')
    add('--demo-dir', default='work_dirs/demo', help="runs of the demo's encoders")
    add('--device', help='of the encoder (default: a GPU if there is one)')
    _add_sampling(parser, ' (with --videos)')
    add('--workers', type=COUNT, default=2, help='processes that render videos (default: 2)')


def _check_job(parser: argparse.ArgumentParser, args: argparse.Namespace, single: str) -> None:
    needed = {
        'features': ('annotations',),
        single: ('checkpoint', 'encoder_config', 'encoder_checkpoint'),
        'videos': ('annotations', 'encoder_config', 'encoder_checkpoint'),
    }
    if args.command == 'tal':
        needed['evaluate'] = ('annotations',)
    given = [job for job in needed if getattr(args, job)]
    if len(given) > 1:
        parser.error(f'--{" and --".join(given)} are different jobs: give one of them')
    for job in given:
        missing = [f'--{name.replace("_", "-")}' for name in needed[job] if not getattr(args, name)]
        if missing:
            parser.error(f'--{job} needs {", ".join(missing)}')
    annotated = [job for job, names in needed.items() if 'annotations' in names]
    if args.annotations and not set(given) & set(annotated):
        parser.error(f'--annotations needs --{" or --".join(annotated)}')


def main(argv: list[str] | None = None) -> int:
    """Run the tool; returns the exit status.

    Args:
        argv: As for :func:`parse_args`.
    """
    args = parse_args(argv)

    def features() -> int:
        from downstream.features.command import run_features

        others = ('command', 'debug', *SAMPLING, 'crops')
        given = {name: value for name, value in vars(args).items() if name not in others}
        sampling = {name: getattr(args, name) for name in (*SAMPLING, 'crops')}
        return run_features(**given, sampling=sampling)

    def export() -> None:
        from downstream.features.convert import export_features
        from downstream.features.store import FeatureStore

        store = FeatureStore(args.store)
        print('\n'.join(export_features(store, args.folder, args.layout, args.lists)))

    def import_() -> int:
        from downstream.features.convert import import_features, read_lengths
        from downstream.features.presets import sampling_of

        # the frame rate says how long a video is; the snippets were made at that rate
        sampling = {name: getattr(args, name) for name in SAMPLING if name != 'fps'}
        snippets, _ = sampling_of(None, args.preset, **sampling)
        videos = read_lengths(args.lengths, args.fps)
        lines, missing = import_features(
            args.folder, args.store, args.layout, snippets, videos, args.note, args.on_missing
        )
        print('\n'.join(lines))
        return _command.INCOMPLETE if missing else 0

    works = {
        'features': (
            features,
            lambda: f'finished videos are kept in {args.out}; the same command goes on',
        ),
        **dict.fromkeys(
            ('anomaly', 'tal'),
            (
                lambda: _detect(args),
                lambda: f'finished runs are kept in {args.work_dir}; the same command goes on',
            ),
        ),
        'export': (export, None),
        'import': (import_, None),
    }
    work, on_interrupt = works[args.command]
    return _command.run(work, debug=args.debug, on_interrupt=on_interrupt)


def _detect(args: argparse.Namespace) -> None:
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
                sampling={name: getattr(args, name) for name in SAMPLING if name != 'fps'},
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


if __name__ == '__main__':
    sys.exit(main())
