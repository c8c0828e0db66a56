"""``tools/downstream.py tal`` at the command line: arguments, one-line errors, scores of a file."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from downstream.features.store import FeatureStore
from downstream.features.time_grid import TimeGrid
from downstream.tal.jobs import config_for
from tests.in_process import tool

from .toy import FPS, entry, write_json, write_oracle

CONFIGS = Path(__file__).resolve().parents[3] / 'configs' / 'downstream'
SPRITES = CONFIGS / 'tal_tridet_sprites.py'
#: Too short to learn; a run that is refused never gets there.
NO_EPOCH = ['train_cfg.max_epochs=1', 'train_cfg.val_interval=1']


@pytest.fixture
def tal(capfd, monkeypatch, tmp_path):
    """Run the tool; return its exit status, stdout and its own lines on stderr."""
    monkeypatch.setattr(sys, 'argv', ['downstream.py'])
    monkeypatch.chdir(tmp_path)

    def run(*args):
        capfd.readouterr()
        try:
            status = tool('downstream').main(['tal', *map(str, args)])
        except SystemExit as stopped:
            status = stopped.code
        out, err = capfd.readouterr()
        return (
            status,
            out,
            [line for line in err.splitlines() if line.startswith(('downstream.py', 'usage: '))],
        )

    return run


@pytest.fixture
def data(tmp_path):
    """Features that show the truth."""
    return write_oracle(tmp_path, 6, 3)


def on_features(data, config=SPRITES, options=(), annotations='segments.json'):
    return [
        '--features',
        data / 'store',
        '--annotations',
        data / annotations,
        '--config',
        config,
        '--work-dir',
        data / 'work',
        '--cfg-options',
        *NO_EPOCH,
        *options,
    ]


@pytest.mark.parametrize(
    'args, message',
    [
        (
            ['--features', 's', '--videos', 'v', '--annotations', 'a'],
            '--features and --videos are different jobs: give one of them',
        ),
        (['--detect', 'v', '--evaluate', 'f', '--annotations', 'a'], '--detect and --evaluate are'),
        (['--detect', 'v'], '--detect needs --checkpoint, --encoder-config, --encoder-checkpoint'),
        (
            ['--detect', 'v', '--encoder-config', 'c', '--encoder-checkpoint', 'w'],
            '--detect needs --checkpoint',
        ),
        (['--features', 's'], '--features needs --annotations'),
        (
            ['--videos', 'v', '--annotations', 'a', '--encoder-config', 'c'],
            '--videos needs --encoder-checkpoint',
        ),
        (['--evaluate', 'f'], '--evaluate needs --annotations'),
        (['--annotations', 'a'], '--annotations needs --features or --videos or --evaluate'),
        (
            [
                '--detect',
                'v',
                '--annotations',
                'a',
                '--checkpoint',
                'd',
                '--encoder-config',
                'c',
                '--encoder-checkpoint',
                'w',
            ],
            '--annotations needs',
        ),
        (['--on-missing', 'skip'], "--on-missing: invalid choice: 'skip'"),
    ],
)
def test_arguments_that_do_not_fit(tal, args, message):
    status, out, lines = tal(*args)
    assert status == 2 and out == '' and lines[0].startswith('usage: downstream.py')
    assert message in lines[-1]


def refused(tal, args, *parts):
    status, _, lines = tal(*args)
    assert status == 1 and len(lines) == 1 and lines[0].startswith('downstream.py: error: ')
    assert '(at ' not in lines[0]  # told on purpose, not where it happened to fail
    for part in parts:
        assert part in lines[0]


def changed(data, video, change):
    document = json.loads((data / 'segments.json').read_text())
    change(document['database'][video])
    (data / 'changed.json').write_text(json.dumps(document))
    return on_features(data, annotations='changed.json')


def first_action(**values):
    return lambda entry: entry['annotations'][0].update(values)


@pytest.mark.parametrize(
    'change, message',
    [
        (
            first_action(segment=[3.0, 2.0]),
            'segment [3.0, 2.0] ends before it begins, or is no number',
        ),
        (first_action(segment=[3.0, float('nan')]), 'segment [3.0, nan] ends before'),
        (first_action(segment='1-2'), "segment '1-2': expected [begin, end] in seconds"),
        (lambda entry: entry.pop('fps'), '"fps" is missing: expected frames a second of the video'),
        (
            lambda entry: entry.update(duration=-1),
            '"duration" is -1: expected its length in seconds',
        ),
        (lambda entry: entry.update(annotations=None), 'and "annotations", a list of actions'),
    ],
)
def test_annotations_that_are_refused(tal, data, change, message):
    refused(tal, changed(data, 'test_001', change), "changed.json: video 'test_001': ", message)


def test_a_label_that_is_not_in_the_list(tal, data):
    given = on_features(data, options=["train_dataloader.dataset.classes=['bow','dive']"])
    refused(tal, given, "class 'hop' is not one of the 2 in the list, as 'bow': correct it, or add")


def test_a_list_of_classes_numbers_those_of_all_parts(data):
    """Of testing too: otherwise the detector's labels would be taken for other classes."""
    classes = ['hop', 'bow', 'dive']
    cfg = config_for(
        SPRITES,
        data / 'store',
        str(data / 'segments.json'),
        options={'train_dataloader.dataset.classes': classes},
    )
    assert cfg.classes == classes and cfg.model.head.num_classes == 3
    assert {
        part: cfg[f'{part}_dataloader'].dataset.classes for part in ('train', 'val', 'test')
    } == dict.fromkeys(('train', 'val', 'test'), classes)


def test_features_of_another_stride_or_not_finite(tal, data):
    """Told before the first step, of a training and of a test video."""
    store = FeatureStore(data / 'store')
    grid, features = store.grid('test_002'), np.array(store.load('test_002'))
    (data / 'store/test_002.npy').unlink()
    wrong = TimeGrid(
        len(features), grid.stride_frames * 2, grid.offset_frames, grid.num_frames, FPS
    )
    store.put('test_002', features, wrong)
    refused(tal, on_features(data), "'test_002', one every 8 frames", 'are of another stride')
    (data / 'store/test_002.npy').unlink()
    store.put('test_002', features, grid)
    # wherever it is: a random window may leave it out
    name = next(video for video in store.ids() if video.startswith('validation'))
    grid, features = store.grid(name), np.array(store.load(name))
    (data / f'store/{name}.npy').unlink()
    features[-1, 2] = np.nan
    store.put(name, features, grid)
    options = [
        '--cfg-options',
        'train_dataloader.dataset.max_len=8',
        'model.data_preprocessor.max_len=8',
    ]
    refused(tal, on_features(data) + options, f'features of {name!r} are not all finite: delete it')
    assert not list((data / 'work').rglob('*.pth'))


def test_configs_and_folders_that_are_refused(tal, data):
    refused(
        tal,
        on_features(data, CONFIGS / 'anomaly_mgfn_sprites.py'),
        'anomaly_mgfn_sprites.py: its model is not a SegmentDetector',
    )
    refused(tal, on_features(data, data / 'gone.py'), 'gone.py', 'no such file')
    refused(tal, on_features(data, annotations='gone.json'), 'gone.json: no such annotation file')
    record = data / 'work/detector/seed0/experiment.json'
    record.parent.mkdir(parents=True)
    record.write_text('{"settings_sha256": "other"}')
    refused(tal, on_features(data), 'seed0 holds a run of other settings: give another work folder')
    for path in (data / 'store').glob('test_000.*'):
        path.unlink()
    refused(tal, on_features(data), 'lacks 1 of the 3 test videos', "as 'test_000'")


def detections(path, **videos):
    """A file of rows ``(begin, end, label, score)``."""
    path.write_text(
        json.dumps(
            dict(
                results={
                    video: [
                        dict(label=label, segment=[begin, end], score=score)
                        for begin, end, label, score in rows
                    ]
                    for video, rows in videos.items()
                }
            )
        )
    )
    return path


def test_scores_of_a_file(tal, tmp_path):
    """The published example, in a class of its own; another class, of which nothing is found."""
    annotation = write_json(
        tmp_path / 'a.json',
        dict(
            a=entry('Test', actions=[(0, 10, 'jump'), (20, 30, 'jump')]),
            b=entry('Test', actions=[(1, 2, 'run')]),
            c=entry('Test', actions=[]),
            d=entry('Validation', actions=[(0, 1, 'swim')]),
        ),
    )
    found = detections(
        tmp_path / 'found.json',
        a=[(0, 6.5, 'jump', 0.9), (1, 10, 'jump', 0.8), (24, 29, 'jump', 0.7)],
    )
    before = sorted(tmp_path.iterdir())
    status, out, _ = tal('--evaluate', found, '--annotations', annotation)
    assert status == 0 and sorted(tmp_path.iterdir()) == before
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.split()}
    # 83.33 83.33 83.33 50 25 of one class and 0 of the other
    assert rows['jump'] == ['65.00'] and rows['run'] == ['0.00'] and 'swim' not in rows
    scores = [line.split()[1:] for line in out.splitlines() if line.startswith('found')]
    assert scores[0] == ['32.50', '41.67', '41.67', '41.67', '25.00', '12.50']
    assert scores[1][:2] == ['25.00', '50.00']  # at 0.5 the best two find one action of two
    assert '3 test videos, 3 actions: mAP by tIoU' in out


def test_videos_without_a_detection_are_told(tal, tmp_path):
    from downstream.tal.predictions import evaluate_file

    from .rows import segments

    truth = segments([('a', 0, 1, 0), ('b', 0, 1, 0)])
    found = detections(tmp_path / 'found.json', a=[(0, 1, 'Dive', 0.9)], b=[])
    told = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr('downstream.tal.predictions.print_log', lambda *given: told.append(given))
        assert evaluate_file(found, truth, ['Dive'], ['a', 'b', 'c'])['mAP@0.5'] == 50
    ((text, _, level),) = told
    assert level == 30 and "no detection in 1 of the 2 videos with actions, as 'b'" in text


def test_files_that_cannot_be_scored(tal, tmp_path):
    annotation = write_json(
        tmp_path / 'a.json', dict(a=entry('Test', actions=[(0, 10, 'jump')]), b=entry(actions=[]))
    )
    found = tmp_path / 'found.json'

    def told(*parts, subset='test'):
        refused(tal, ['--evaluate', found, '--annotations', annotation, '--subset', subset], *parts)

    told('found.json: no such prediction file')
    found.write_text('')
    told('found.json: cannot be read as JSON')
    found.write_text('{}')
    told('found.json: expected {"results": {video: [{"label", "segment", "score"}]}}')
    detections(found)
    told('"results" is empty: no video was tested')
    detections(found, a=[])
    told('its videos have no detection: was the score threshold too high?')
    detections(found, a=[(2, 1, 'jump', 0.5)])
    told("video 'a', detection 0: segment [2, 1] ends before it begins")
    detections(found, a=[(1, 2, 'swim', 0.5)])
    told("label 'swim' is not one of the 1 classes, as 'jump'")
    detections(found, x=[(1, 2, 'jump', 0.5)])
    told("1 of 1 videos are not annotated, as 'x'; expected names as 'a'")
    told("subset 'train' has no video; there are 'test', 'validation'", subset='train')
    told('none of the 1 validation videos has an action', subset='validation')
