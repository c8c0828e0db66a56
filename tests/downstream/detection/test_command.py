"""``tools/downstream.py anomaly`` and ``tal``: arguments, what they start, one-line errors."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from downstream.features.store import FeatureStore
from downstream.tal import scores
from downstream.tal.jobs import config_for
from tests.downstream.tal.toy import entry, write_json, write_oracle
from tests.in_process import run_tool

CONFIGS = Path(__file__).resolve().parents[3] / 'configs' / 'downstream'
SPRITES = CONFIGS / 'tal_tridet_sprites.py'
WORDS = '--encoder-config c --encoder-checkpoint w'
ENCODER = WORDS.split()


@pytest.mark.parametrize(
    'args, message',
    [
        ('tal --features s --videos v --annotations a', 'are different jobs: give one of them'),
        ('tal --detect v --evaluate f --annotations a', '--detect and --evaluate are different'),
        ('tal --detect v', '--detect needs --checkpoint, --encoder-config, --encoder-checkpoint'),
        ('anomaly --score v --encoder-config c', '--score needs --checkpoint, --encoder-check'),
        ('anomaly --features s', '--features needs --annotations'),
        ('tal --videos v --annotations a --encoder-config c', '--videos needs --encoder-check'),
        ('tal --evaluate f', '--evaluate needs --annotations'),
        ('tal --annotations a', '--annotations needs --features or --videos or --evaluate'),
        ('anomaly --annotations a b', '--annotations needs --features or --videos'),
        (f'tal --detect v --annotations a --checkpoint d {WORDS}', '--annotations needs'),
        ('tal --on-missing skip', "--on-missing: invalid choice: 'skip'"),
    ],
)
def test_arguments_that_do_not_fit(args, message):
    done = run_tool('downstream', *args.split())
    assert done.returncode == 2 and done.stdout == '' and message in done.stderr.splitlines()[-1]


@pytest.mark.parametrize('task', ['anomaly', 'tal'])
def test_what_is_started(task, monkeypatch):
    """Every argument reaches its job under its name."""
    calls = []
    names = ('run_on_features', 'run_on_one', 'run_evaluate', 'run_embedded')
    fakes = {n: lambda *args, n=n, **given: calls.append((n, args, given)) for n in names}
    monkeypatch.setitem(sys.modules, f'downstream.{task}.jobs', SimpleNamespace(**fakes))
    lists = ['a', 'b'] if task == 'anomaly' else 'a'
    own = {} if task == 'anomaly' else dict(missing='drop')
    words = ['--annotations', *lists, *([] if task == 'anomaly' else ['--on-missing', 'drop'])]

    def started(*args):
        done = run_tool('downstream', task, *args)
        assert done.returncode == 0, done.stderr
        return calls.pop()

    given = dict(seeds=[0], options=None)
    default = dict(anomaly='anomaly_mgfn_by_score.py', tal='tal_tridet_thumos14.py')[task]
    config = f'configs/downstream/{default}'
    wanted = 'run_on_features', (config, 's', lists, f'work_dirs/{task}'), {**given, **own}
    assert started('--features', 's', *words) == wanted
    name, args, given = started(
        *('--videos', 'v', *words, *ENCODER, '--preset', 'p', '--stride', '4', '--device', 'cpu'),
        *('--work-dir', 'x', '--config', 'd', '--seeds', '1', '2', '--cfg-options', 'k=1'),
    )
    assert (name, args) == ('run_on_features', ('d', 'x/features', lists, 'x'))
    extract = given.pop('extract')
    assert given == dict(seeds=[1, 2], options=['k=1'], **own)
    sampling = dict.fromkeys(('clip_len', 'frame_interval', 'align', 'tail', 'padding'))
    encoder = dict(config='c', checkpoint='w', videos=['v'], preset='p', device='cpu')
    assert extract == dict(encoder, sampling=dict(sampling, stride=4))
    one = 'score' if task == 'anomaly' else 'detect'
    name, args, given = started(f'--{one}', 'v', '--checkpoint', 'k', *ENCODER, '--threshold', '1')
    assert (name, args) == ('run_on_one', ('v', 'k', f'{one}d' if one == 'score' else 'detected'))
    rest = dict(config=None, threshold=1, device='cpu')
    assert given == dict(encoder='c', weights='w', **rest)
    name, args, given = started('--workers', '1')
    folders = f'work_dirs/{task}', 'work_dirs/demo', 'configs'
    assert (name, args) == ('run_embedded', (*folders, (0, 1, 2)))
    assert given == dict(options=None, workers=1)
    if task == 'tal':
        assert started('--evaluate', 'f', *words[:2]) == ('run_evaluate', ('f', 'a', 'test'), {})


@pytest.fixture
def data(tmp_path):
    """Features that show the truth."""
    return write_oracle(tmp_path, 6, 3)


def on_features(data, config=SPRITES, options=(), annotations='segments.json'):
    # too short to learn; a run that is refused never gets there
    short = ['train_cfg.max_epochs=1', 'train_cfg.val_interval=1', *options]
    files = '--features', data / 'store', '--annotations', data / annotations, '--config', config
    return [*files, '--work-dir', data / 'work', '--cfg-options', *short]


def refused(args, *parts):
    done = run_tool('downstream', 'tal', *args)
    lines = [line for line in done.stderr.splitlines() if line.startswith('downstream.py')]
    assert done.returncode == 1 and len(lines) == 1 and lines[0][:22] == 'downstream.py: error: '
    assert '(at ' not in lines[0]  # told on purpose, not where it happened to fail
    assert all(part in lines[0] for part in parts), lines[0]


def test_a_list_of_classes_numbers_those_of_all_parts(data):
    """Of testing too: otherwise the detector's labels would be taken for other classes."""
    classes = ['hop', 'bow', 'dive']
    options = {'train_dataloader.dataset.classes': classes}
    cfg = config_for(SPRITES, data / 'store', str(data / 'segments.json'), options=options)
    assert cfg.classes == classes and cfg.model.head.num_classes == 3
    given = on_features(data, options=["train_dataloader.dataset.classes=['bow','dive']"])
    refused(given, "class 'hop' is not one of the 2 in the list, as 'bow': correct it, or add")
    for part in ('train', 'val', 'test'):
        assert cfg[f'{part}_dataloader'].dataset.classes == classes


def test_features_of_another_stride_or_not_finite(data):
    """Told before the first step, of a training and of a test video."""
    store = FeatureStore(data / 'store')

    def put(name, features, grid):
        (data / f'store/{name}.npy').unlink()
        store.put(name, features, grid)

    name, right = 'test_002', store.grid('test_002')
    features = np.array(store.load(name))
    put(name, features, replace(right, stride_frames=2 * right.stride_frames))
    refused(on_features(data), "'test_002', one every 8 frames", 'are of another stride')
    put(name, features, right)
    # wherever it is: a random window may leave it out
    name = next(video for video in store.ids() if video.startswith('validation'))
    features, right = np.array(store.load(name)), store.grid(name)
    features[-1] = np.nan
    put(name, features, right)
    parts = 'train_dataloader.dataset', 'model.data_preprocessor'
    short = [f'{part}.max_len=8' for part in parts]
    refused(on_features(data, options=short), f'features of {name!r} are not all finite: delete it')
    assert not list((data / 'work').rglob('*.pth'))


def test_configs_annotations_and_folders_that_are_refused(data):
    other = CONFIGS / 'anomaly_mgfn_sprites.py'
    refused(on_features(data, other), 'sprites.py: its model is no SegmentDetector')
    refused(on_features(data, data / 'gone.py'), 'gone.py', 'no such file')
    refused(on_features(data, annotations='gone.json'), 'gone.json: no such file')
    document = json.loads((data / 'segments.json').read_text())
    document['database']['test_001']['annotations'][0]['segment'] = [3.0, 2.0]
    write_json(data / 'changed.json', document['database'])
    given = on_features(data, annotations='changed.json')
    refused(given, "changed.json: video 'test_001': segment [3.0, 2.0] ends before it begins")
    record = data / 'work/detector/seed0/experiment.json'
    record.parent.mkdir(parents=True)
    record.write_text('{"settings_sha256": "other"}')
    refused(on_features(data), 'seed0 holds a run of other settings: give another work folder')
    for path in (data / 'store').glob('test_000.*'):
        path.unlink()
    refused(on_features(data), 'lacks 1 of the 3 test videos', "as 'test_000'")


def detections(path, **videos):
    """A file of rows ``(begin, end, label, score)``."""
    results = {
        video: [dict(label=row[2], segment=row[:2], score=row[3]) for row in rows]
        for video, rows in videos.items()
    }
    path.write_text(json.dumps(dict(results=results)))
    return path


def test_scores_of_a_file(tmp_path, monkeypatch):
    """The published example, in a class of its own; another class, of which nothing is found."""
    videos = dict(
        a=entry('Test', actions=[(0, 10, 'jump'), (20, 30, 'jump')]),
        b=entry('Test', actions=[(1, 2, 'run')]),
        c=entry('Test', actions=[]),
        d=entry('Validation', actions=[(0, 1, 'swim')]),
        e=entry('Training', actions=[]),
    )
    annotation = write_json(tmp_path / 'a.json', videos)
    rows = [(0, 6.5, 'jump', 0.9), (1, 10, 'jump', 0.8), (24, 29, 'jump', 0.7)]
    found = detections(tmp_path / 'found.json', a=rows)
    before, given = sorted(tmp_path.iterdir()), ['--evaluate', found, '--annotations', annotation]
    told = []
    monkeypatch.setattr(scores, 'print_log', lambda *given: told.append(given))
    done = run_tool('downstream', 'tal', *given)
    assert done.returncode == 0 and sorted(tmp_path.iterdir()) == before
    lines = [line.split() for line in done.stdout.splitlines() if line.split()]
    rows = {line[0]: line[1:] for line in lines}
    # 83.33 83.33 83.33 50 25 of one class and 0 of the other
    assert rows['jump'] == ['65.00'] and rows['run'] == ['0.00'] and 'swim' not in rows
    own = [line[1:] for line in lines if line[0] == 'found']
    assert own[0] == ['32.50', '41.67', '41.67', '41.67', '25.00', '12.50']
    assert own[1][:2] == ['25.00', '50.00']  # at 0.5 the best two find one action of two
    assert '3 test videos, 3 actions: mAP by tIoU' in done.stdout
    ((text, _, level),) = told
    assert level == 30 and "no detection in 1 of the 2 videos with actions, as 'b'" in text
    refused([*given, '--subset', 'train'], "subset 'train' has no video; there are 'test', 'tr")
    refused([*given, '--subset', 'training'], 'none of the 1 training videos has an action')
    detections(found, a=[(2, 1, 'jump', 0.5)])
    refused(given, "found.json: video 'a', detection 0: segment [2, 1] ends before it begins")
