"""Commands that work, in folders of tiny files, and which of these files each of them reads."""

import json
import pickle
import re
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


class Command(NamedTuple):
    """A command that works: its words, the files beside it, what of them it reads, by kind."""

    tool: str
    words: list
    group: str
    files: dict
    left: tuple
    fine: list
    works: bool


def _read():
    """``commands.txt``, which says what each line is."""
    commands = {}
    text = Path(__file__).with_name('commands.txt').read_text()
    text = text.replace('{TAL}', str(CONFIGS / 'tal_tridet_sprites.py'))
    text = text.replace('{ANOMALY}', str(CONFIGS / 'anomaly_mgfn_sprites.py'))
    blocks = re.split(r'\n(?=\w)', re.sub(r'(?m)^#.*\n', '', text).strip())
    for block in blocks:
        head, *files = re.split(r'\n  (?! )', block)
        head, words = head.split('\n', 1)
        name, group, *options = head.split()
        told = dict(option.split('=') for option in options)
        commands[name] = Command(
            *(words.split()[0], words.split()[1:], group),
            {file: (kind, places) for file, kind, *places in map(_file, files)},
            tuple(filter(None, told.get('left', '').split(','))),
            told.get('fine', '').split(','),
            'small' not in told,
        )
    return commands


def _file(line):
    first, *places = line.split()
    return (*first.split(':'), *places)


COMMANDS = _read()


def _clips(folder):
    (folder / 'videos').mkdir()
    for name in 'ab':
        write_video(folder / 'videos' / f'{name}.avi', frames=6, side=32)
    (folder / 'list.txt').write_text('a.avi 0\nb.avi 1\n')


STRICT = """\
custom_hooks = [dict(type='BadVideoHook', max_share=0.0)]
val_dataloader = test_dataloader = dict(loader, dataset=dict(loader['dataset'], test_mode=True))
"""


def _toy(folder):
    write_toy_videos(folder)
    toy = write_toy_config(folder / 'toy.py', Path())
    toy.write_text(toy.read_text().replace("'VideoDataset'", "'RobustVideoDataset'") + STRICT)
    config, weights = write_reference(folder, Path('.'))
    config.rename(folder / 'frames.py')
    weights.rename(folder / 'frames.pth')
    from mmaction.registry import MODELS
    from mmengine.config import Config

    model = MODELS.build(Config.fromfile(folder / 'toy.py').model)
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'weights.pth')
    scores = {f'clip_{i}/{n:05d}.jpg': [0.4, 0.5] for i in range(8) for n in range(1, 13)}
    (folder / 'scores.pkl').write_bytes(pickle.dumps(scores))
    _ok(COMMANDS['features_again'], folder)
    _ok(COMMANDS['bank_again'], folder)
    (folder / 'bank.npz').unlink()


def _experiments(folder):
    write_toy_videos(folder)
    toy = write_toy_config(folder / 'toy.py', Path())
    toy.write_text(toy.read_text() + "default_hooks['checkpoint']['save_best'] = 'acc/top1'\n")
    _ok(COMMANDS['compare'], folder)


def _ok(command, folder):
    done = run_tool(command.tool, *command.words, folder=folder)
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
    _ok(COMMANDS['build'], folder)
    (folder / 'new').rename(folder / 'bias')


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


GROUPS = dict(
    toy=_toy,
    bench=_bench,
    people=_people,
    join=_join,
    runs=_runs,
    experiments=_experiments,
    weights=_weights,
    anomalies=_anomalies,
    actions=_actions,
    jhmdb=_jhmdb,
    ucf=_ucf,
)
