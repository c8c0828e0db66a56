"""Commands that work, in folders of tiny files, and which of these files each of them reads."""

import json
import pickle
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from downstream.features.convert import export_features
from downstream.features.store import FeatureStore
from tests.bias_sets.toy_benchmark import VIDEOS, write_photos, write_sources
from tests.downstream.anomaly.toy import write_oracle as write_anomalies
from tests.downstream.tal.toy import write_oracle as write_actions
from tests.in_process import TOOLS, run_tool
from tests.models.recognizers.sdn_toys import build as build_sdn
from tests.preparation.official import write_jhmdb21, write_kinetics400, write_ucf101
from tests.preparation.test_people import stripes_model
from tests.preparation.test_scenes import model as write_classifier
from tests.preparation.toy_reference import write_reference
from tests.report.results_files import write as write_results
from tests.toy import write_toy_config, write_toy_videos
from tests.video_files import write_video
from tests.visualization.test_scalar_logs import train
from tests.visualization.test_scalar_logs import write as write_scalars

CONFIGS = TOOLS.parent / 'configs' / 'downstream'


def _clips(folder):
    (folder / 'videos').mkdir()
    for name in 'ab':
        write_video(folder / 'videos' / f'{name}.avi', frames=6, side=32)
    (folder / 'list.txt').write_text('a.avi 0\nb.avi 1\n')


def _toy(folder):
    write_toy_videos(folder)
    toy = write_toy_config(folder / 'toy.py', Path())
    toy.write_text(toy.read_text().replace("'VideoDataset'", "'RobustVideoDataset'"))
    config, weights = write_reference(folder, Path('.'))
    config.rename(folder / 'frames.py')
    weights.rename(folder / 'frames.pth')
    from mmaction.registry import MODELS
    from mmengine.config import Config

    model = MODELS.build(Config.fromfile(folder / 'toy.py').model)
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'weights.pth')
    scores = {f'clip_{i}/{n:05d}.jpg': [0.4, 0.5] for i in range(8) for n in range(1, 13)}
    (folder / 'scores.pkl').write_bytes(pickle.dumps(scores))
    _ok('downstream', FEATURES, folder)
    _ok('build_frame_bank', BANK, folder)
    (folder / 'bank.npz').unlink()
    (folder / 'one.list').write_text('clip_0.mp4\nclip_1.mp4\n')


def _ok(tool, words, folder):
    done = run_tool(tool, *words.split(), folder=folder)
    assert done.returncode == 0, done.stderr


def _bench(folder):
    write_sources(folder)
    write_photos(folder / 'photos', 1)
    for name, (length, height, width, _) in VIDEOS.items():
        masks = np.zeros((length, height, width), bool)
        for t in range(length):
            masks[t, 5:25, 5 + t : 20 + t] = True
        path = (folder / 'masks' / name).with_suffix('.npz')
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, masks=masks)
    lines, tubes = [], {}
    for name, (length, _, _, label) in VIDEOS.items():
        stem = Path(name).with_suffix('').name
        rows = [[frame, 5, 5, 20, 25] for frame in range(1, length + 1)]
        tubes[stem] = {label: [np.array(rows, float)]}
        lines += [' '.join(map(str, [stem, *row])) for row in rows if ' ' not in stem]
    (folder / 'boxes.txt').write_text('\n'.join(lines) + '\n')
    content = dict(gttubes=tubes, labels=['jump', 'wave'])
    (folder / 'boxes.pkl').write_bytes(pickle.dumps(content))
    _ok('build_bias_benchmark', BUILD, folder)


def _people(folder):
    _clips(folder)
    (folder / 'boxes.txt').write_text('a 1 0 0 9 9\nb 2 0 0 9 9\n')
    rows = [dict(video=f'{name}.avi', boxes=[[[0, 0, 9, 9, 1.0]]] * 6) for name in 'ab']
    (folder / 'boxes.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    stripes_model(folder / 'people.onnx', 'classes')
    write_classifier(folder / 'scenes.onnx')


def _join(folder):
    for name in ('calm', 'fight'):
        (folder / 'clips' / name).mkdir(parents=True)
        for index in range(4):
            write_video(folder / 'clips' / name / f'{name}{index}.mp4', frames=8, side=32)


def _runs(folder):
    write_results(folder / 'erm')
    (folder / 'classes.txt').write_text('walk\nrun\n')
    monitors = dict(loss_cls=1.0, static_top1=0.2, static_ce=1.4, static_entropy=1.3)
    lines = [train(step, **monitors) for step in (20, 40)]
    path = write_scalars(folder / 'run', '1', lines, 'model = dict(cls_head=dict(num_classes=4))\n')
    path.rename(path.with_suffix('.jsonl'))
    path.with_suffix('.jsonl').rename(path)


def _weights(folder):
    state = build_sdn().state_dict()
    torch.save(dict(state_dict=state, meta=dict(epoch=1)), folder / 'sdn.pth')


def _anomalies(folder):
    write_anomalies(folder, 10)
    _transfers(folder, 'mgfn', 'train000.mp4 900\n')


def _actions(folder):
    write_actions(folder, 6, 3)
    database = json.loads((folder / 'segments.json').read_text())['database']
    found = {
        video: [dict(label=a['label'], segment=a['segment'], score=0.5) for a in row['annotations']]
        for video, row in database.items()
        if row['subset'] == 'Test'
    }
    (folder / 'found.json').write_text(json.dumps(dict(results=found)))
    export_features(FeatureStore(folder / 'store'), folder / 'published', 'tridet')


def _transfers(folder, layout, text):
    store = FeatureStore(folder / 'store')
    export_features(store, folder / 'published', layout)
    grids = {video: store.grid(video).num_frames for video in store.ids()}
    rows = [f'{video}.mp4 {frames}\n' for video, frames in grids.items()]
    (folder / 'lengths.txt').write_text(''.join(rows))
    (folder / 'videos.list').write_text('train000.mp4\n')


def _jhmdb(folder):
    write_jhmdb21(folder / 'source', 2)


def _ucf(folder):
    write_ucf101(folder / 'ucf')
    write_kinetics400(folder / 'k400')
    (folder / 'videos').mkdir()


FEATURES = (
    'features --config toy.py --checkpoint weights.pth --videos videos --out store --clip-len 4 '
    '--stride 4 --frame-interval 2 --device cpu'
)
BANK = (
    'frames.py frames.pth --out bank.npz --scores bank.jsonl --workers 0 --size 9 --frame-size 16'
)
BUILD = (
    'build toy --name TOY --masks npz:masks --list test_split1.txt --label-map label_map.txt --videos '
    'videos --backgrounds stripe --per-video 1 --out bias --workers 1 --encoding lossless'
)
GROUPS = dict(
    toy=_toy, bench=_bench, people=_people, join=_join, runs=_runs, weights=_weights,
    anomalies=_anomalies, actions=_actions, jhmdb=_jhmdb, ucf=_ucf,
)  # fmt: skip


class Command(NamedTuple):
    """A command that works, and files that it reads.

    Attributes:
        tool: Name of the tool.
        words: Its arguments.
        group: Whose files it is run beside.
        files: File -> (kind, places in it that matter).
        left: What the names of files begin with that may be new after it failed.
        works: The tiny files are enough.
        fine: What may be done to its files: it begins anew.
    """

    tool: str
    words: str
    group: str
    files: dict
    left: tuple = ()
    works: bool = True
    fine: tuple = ()


def _of(kind, *places):
    return kind, places


_NEW = BUILD.replace('--out bias', '--out new')
_LIST = '--list list.txt --videos videos --workers 1'
TAL, ANOMALY = (CONFIGS / f'{name}_sprites.py' for name in ('tal_tridet', 'anomaly_mgfn'))
COMMANDS = dict(
    features=Command(
        'downstream', FEATURES.replace('--out store', '--out new'), 'toy',
        {'weights.pth': _of('pth'), 'toy.py': _of('config'), 'videos/clip_3.mp4': _of('video')},
        ('new/',), fine=('gone', 'folder'),
    ),
    features_list=Command(
        'downstream', FEATURES.replace('--out store', '--out new --root videos').replace(
            '--videos videos', '--videos list.txt'), 'toy',
        {'list.txt': _of('text')}, ('new/',), fine=('cut',),
    ),
    features_again=Command(
        'downstream', FEATURES, 'toy',
        {'store/store.json': _of('json', 'encoder', 'sampling|stride', 'format')},
    ),
    train=Command(
        'train', 'toy.py --work-dir work --cfg-options load_from=weights.pth', 'toy',
        {'toy.py': _of('config'), 'list.txt': _of('list'), 'weights.pth': _of('pth')}, ('work/',),
    ),
    train_videos=Command(
        'train', 'toy.py --work-dir work', 'toy', {'videos/clip_3.mp4': _of('video')}, ('work/',),
    ),
    test=Command(
        'test', 'toy.py weights.pth --work-dir work', 'toy',
        {'toy.py': _of('config'), 'list.txt': _of('list'), 'weights.pth': _of('pth'),
         'videos/clip_3.mp4': _of('video')}, ('work/',),
    ),
    doctor=Command(
        'doctor', '--config toy.py --cfg-options load_from=weights.pth', 'toy',
        {'toy.py': _of('config'), 'list.txt': _of('list'), 'weights.pth': _of('pth')},
    ),
    bank=Command(
        'build_frame_bank', BANK.replace('bank.jsonl', 'new.jsonl'), 'toy',
        {'frames.pth': _of('pth'), 'frames.py': _of('config'), 'list.txt': _of('list'),
         'videos/clip_3.mp4': _of('video')}, ('new.jsonl',),
    ),
    bank_again=Command(
        'build_frame_bank', BANK, 'toy', {'bank.jsonl': _of('jsonl', 'gt', 'top1', 'video')},
        fine=('gone', 'empty', 'cut', 'dangling', 'loop'),
    ),
    bank_published=Command(
        'build_frame_bank', 'frames.py --published-scores scores.pkl --out bank.npz --workers 0',
        'toy', {'scores.pkl': _of('pickle')},
    ),
    build=Command(
        'build_bias_benchmark', _NEW.replace('stripe', 'stripe Photos=photos'), 'bench',
        {'test_split1.txt': _of('list'), 'masks/wave/wave_a.npz': _of('npz'), 'label_map.txt': _of('text'),
         'videos/wave/wave_a.avi': _of('video'), 'photos/photo0.png': _of('image')},
        ('new/',), fine=('folder', 'gone'),
    ),
    build_boxes=Command(
        'build_bias_benchmark', _NEW.replace('npz:masks', 'boxes:boxes.txt --missing-masks drop'), 'bench',
        {'boxes.txt': _of('text')}, ('new/',),
    ),
    build_tubes=Command(
        'build_bias_benchmark', _NEW.replace('npz:masks', 'boxes:boxes.pkl'), 'bench',
        {'boxes.pkl': _of('pickle')}, ('new/',),
    ),
    verify=Command(
        'build_bias_benchmark', 'verify bias --videos videos --workers 1', 'bench',
        {'bias/benchmark.json': _of('json'), 'bias/TOY_SCUBA_Stripe/files.sha256': _of('text'),
         'bias/TOY_SCUBA_Stripe/manifest.jsonl': _of('jsonl', 'id', 'file', 'label', 'video_id'),
         'videos/wave/wave_a.avi': _of('video')},
    ),
    leakage=Command(
        'build_bias_benchmark', 'leakage --videos videos --list test_split1.txt --silhouettes '
        'npz:masks --out leak --workers 1 --margin 1', 'bench',
        {'test_split1.txt': _of('list'), 'masks/wave/wave_a.npz': _of('npz')},
    ),
    people=Command(
        'detect_people', f'{_LIST} --out new.jsonl --detector file:boxes.txt', 'people',
        {'boxes.txt': _of('text'), 'list.txt': _of('text'), 'videos/a.avi': _of('video')},
        ('new.jsonl.part',),
    ),
    people_lines=Command(
        'detect_people', f'{_LIST} --out new.jsonl --detector file:boxes.jsonl', 'people',
        {'boxes.jsonl': _of('jsonl', 'boxes', 'boxes|0|0|0', 'video')}, ('new.jsonl.part',),
    ),
    people_model=Command(
        'detect_people', f'{_LIST} --out new.jsonl --detector onnx:people.onnx,output=classes',
        'people', {'people.onnx': _of('onnx')}, ('new.jsonl.part',),
    ),
    scenes=Command(
        'label_scenes', f'{_LIST} --out new.npz --classifier onnx:scenes.onnx,softmax=true',
        'people', {'scenes.onnx': _of('onnx'), 'list.txt': _of('text'),
                   'videos/a.avi': _of('video')}, ('new.npz.part.jsonl',),
    ),
    join=Command(
        'join_clips', 'clips new --background calm --train 2 --test 2 --fillers 1 2 --test-share '
        '0.5 --size 16 16', 'join', {'clips/calm/calm1.mp4': _of('video')},
        fine=('gone',),
    ),
    report=Command(
        'report', 'erm --out new.html --classes classes.txt', 'runs',
        {'erm/results.json': _of('json', 'metrics', 'protocol', 'protocol|sets'),
         'classes.txt': _of('text')}, fine=('null',),
    ),
    stability=Command(
        'plot_stability', 'run --out new.png', 'runs', {'run/1/vis_data/scalars.json': _of('json')},
        fine=('cut',),
    ),
    strip=Command(
        'strip_checkpoint', 'sdn.pth new.pth', 'weights', {'sdn.pth': _of('pth')},
        fine=('numbers', 'shapes', 'sparse'),
    ),
    convert=Command(
        'convert_checkpoint', 'albar-official sdn.pth new.pth', 'weights', {'sdn.pth': _of('pth')},
        works=False,
    ),
    convert_detector=Command(
        'convert_checkpoint', 'tridet-official sdn.pth new.pth', 'weights',
        {'sdn.pth': _of('pth')}, works=False,
    ),
    jhmdb=Command(
        'prepare_dataset', 'jhmdb21 --source source --out new --workers 1 --decode first', 'jhmdb',
        {'source/index.csv': _of('table')},
    ),
    ucf101=Command(
        'prepare_dataset', 'ucf101 --lists ucf --videos videos --out new --workers 1', 'ucf',
        {'ucf/classInd.txt': _of('text'), 'ucf/trainlist01.txt': _of('list')},
        works=False,
    ),
    kinetics=Command(
        'prepare_dataset', 'kinetics400 --lists k400 --videos videos --out new --workers 1', 'ucf',
        {'k400/train.csv': _of('table')}, works=False,
    ),
    thumos=Command(
        'prepare_dataset', 'thumos14 --annotations segments.json --out new', 'actions',
        {'segments.json': _of('json', 'database|validation_000|annotations|0|segment',
                              'database|validation_000|duration', 'database')},
        works=False,
    ),
    tal=Command(
        'downstream', f'tal --features store --annotations segments.json --work-dir work --config '
        f'{TAL} --cfg-options train_cfg.max_epochs=1 train_cfg.val_interval=1 train_dataloader.batch_size=2', 'actions',
        {'segments.json': _of('json', 'database|validation_000|annotations|0|segment',
                              'database|validation_000|duration', 'database'),
         'store/store.json': _of('json', 'sampling|stride', 'format'),
         'store/validation_000.npy': _of('npy'), 'store/test_000.json': _of('json', 'frames', 'fps')},
        ('work/',),
    ),
    evaluate=Command(
        'downstream', 'tal --evaluate found.json --annotations segments.json', 'actions',
        {'segments.json': _of('json', 'database|test_000|annotations|0|segment',
                              'database|test_000|annotations', 'database|test_000'),
         'found.json': _of('json', 'results', 'results|test_000|0|segment|0',
                           'results|test_000|0|score', 'results|test_000')},
        fine=('renamed',),
    ),
    anomaly=Command(
        'downstream', f'anomaly --features store --annotations train.txt test.txt --work-dir work '
        f'--config {ANOMALY} --cfg-options train_cfg.max_epochs=1 train_cfg.val_interval=1',
        'anomalies',
        {'train.txt': _of('text'), 'test.txt': _of('list'), 'store/train000.npy': _of('npy'),
         'store/store.json': _of('json', 'sampling|stride', 'format'),
         'store/test000.json': _of('json', 'frames', 'fps', 'snippets')}, ('work/',),
    ),
    export=Command(
        'downstream', 'export store new --layout mgfn --lists videos.list', 'anomalies',
        {'store/store.json': _of('json', 'format'), 'videos.list': _of('text'),
         'store/train000.json': _of('json', 'snippets', 'frames'),
         'store/train000.npy': _of('npy')}, ('new/',), fine=('cut', 'empty'),
    ),
    import_lines=Command(
        'downstream', 'import published new --layout mgfn --lengths lengths.txt --fps 30 '
        '--clip-len 8 --stride 8 --frame-interval 1 --on-missing fail', 'anomalies',
        {'lengths.txt': _of('list'), 'published/train000.npy': _of('npy')},
        ('new/',),
    ),
    import_json=Command(
        'downstream', 'import published new --layout tridet --lengths segments.json '
        '--clip-len 16 --stride 4 --frame-interval 1 --tail drop', 'actions',
        {'segments.json': _of('json', 'database|validation_000|duration',
                              'database|validation_000|fps', 'database'),
         'published/validation_000.npy': _of('npy')},
        ('new/',),
    ),
)  # fmt: skip
