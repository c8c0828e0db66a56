"""Scene labels of videos whose colour is the scene, by classifiers whose answer is known."""

import json
import sys
import types

import numpy as np
import pytest
import torch

from albar_mm.annotations.scene_labels import read_scene_labels
from albar_mm.preparation import scenes
from albar_mm.preparation.scenes import label_scenes, parse_classifier, uniform_frames, video_label
from albar_mm.utils.errors import BadVideoError, DatasetError
from tests.bias_sets.masks.tiny_onnx import mixing, node, write_model
from tests.refused import refused
from tests.video_files import write_frames, write_video

RED, GREEN, BLUE = (230, 20, 20), (20, 230, 20), (20, 20, 230)
CHANNELS = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def model(path, matrix=CHANNELS, shape=(1, 3, 8, 8), bias=None, last=None):
    """The mean of every colour channel, mixed by ``matrix``: (1, S, 1, 1)."""
    conv, constants = mixing(matrix, bias)
    nodes = [node('GlobalAveragePool', ['x'], 'a'), conv, last or node('Identity', ['b'], 'y')]
    return write_model(path, nodes, constants, shape, (1, len(matrix), 1, 1))


@pytest.fixture
def clips(tmp_path):
    """Three videos, a list of them, and ``m.onnx``, which gives logits of red, green and blue."""
    mixed = [GREEN, GREEN, BLUE, BLUE, BLUE]
    for name, colours in dict(red=[RED] * 4, mixed=mixed, blue=[BLUE] * 3).items():
        frames = [np.full((32, 32, 3), colour[::-1], np.uint8) for colour in colours]
        write_frames(tmp_path / 'videos' / 'k' / f'{name}.avi', frames)
    (tmp_path / 'list.txt').write_text('k/red.avi 0\nk/mixed.avi 1\nk/blue.avi 1\n')
    model(tmp_path / 'm.onnx', [[10 * v for v in row] for row in CHANNELS])
    return tmp_path


def onnx(folder, options=',softmax=true'):
    return parse_classifier(f'onnx:{folder}/m.onnx{options}')


def label(folder, out='s.jsonl', classifier=None, **kwargs):
    said = []
    files = folder / 'list.txt', folder / 'videos', folder / out
    done = label_scenes(*files, classifier or onnx(folder), say=said.append, **kwargs)
    return done, said


def softmax(*logits):
    powers = np.exp(np.array(logits) - max(logits))
    return powers / powers.sum()


@pytest.mark.parametrize('out', ['s.jsonl', 's.npz'])
@pytest.mark.parametrize('workers', [1, 2])
def test_mean_probabilities(clips, out, workers):
    done, _ = label(clips, out, frames=5, workers=workers)
    known = read_scene_labels(clips / out)
    assert (done.row['num_scenes'], known.num_scenes, known.soft) == (3, 3, True)
    assert known.names == ('k/red.avi', 'k/mixed.avi', 'k/blue.avi')  # the order of the list
    pixel = 10 * np.array([230, 20, 20]) / 255
    red, green, blue = (softmax(*np.roll(pixel, shift)) for shift in range(3))
    for name, expected in dict(red=red, mixed=(2 * green + 3 * blue) / 5, blue=blue).items():
        found = known.of(clips / 'videos' / 'k' / f'{name}.avi')
        np.testing.assert_allclose(found, expected, atol=0.01)
    report = json.loads((clips / f'{out}.report.json').read_text())
    assert report['videos'] == 3 and report['left_out'] == [] and report['frames'] == 5
    assert report['classifier']['sha256'] == onnx(clips).settings()['sha256']
    assert not (clips / f'{out}.part.jsonl').exists()


@pytest.mark.parametrize('out', ['s.jsonl', 's.npz'])
def test_majority_vote(clips, out):
    label(clips, out, frames=5, hard=True)
    known = read_scene_labels(clips / out)
    assert not known.soft and known.num_scenes == 3
    assert [known.of(f'k/{name}.avi') for name in ('red', 'mixed', 'blue')] == [0, 2, 2]


def test_label_of_a_video():
    rows = np.array([[0.6, 0.4, 0], [0.1, 0.9, 0], [0.6, 0.4, 0]])
    assert video_label(rows, True) == 0
    np.testing.assert_allclose(video_label(rows, False), [1.3 / 3, 1.7 / 3, 0])
    assert video_label(rows[:2], True) == 1  # one vote each: the mean decides
    two_each = np.array([[0, 0.5, 0.5], [0.6, 0.1, 0.3], [0.2, 0.5, 0.3], [0.5, 0.1, 0.4]])
    assert video_label(two_each, True) == 0


@pytest.mark.parametrize(
    'count, expected', [(1, [6]), (3, [2, 6, 10]), (4, [1, 4, 7, 10]), (12, range(12))]
)
def test_frames_are_the_middles_of_equal_parts(tmp_path, count, expected):
    path = write_video(tmp_path / 'v.avi', frames=12, step=20)
    found = [round(float(frame.mean()) / 20) for frame in uniform_frames(path, count)]
    assert found == list(expected)


def test_frames_with_opencv(tmp_path, monkeypatch):
    monkeypatch.setattr(scenes, 'decoder_name', lambda: 'opencv')
    test_frames_are_the_middles_of_equal_parts(tmp_path, 4, [1, 4, 7, 10])
    short = write_video(tmp_path / 's.avi', frames=2, step=20)
    assert len(uniform_frames(short, 5)) == 5


def test_an_interrupted_run_goes_on(clips, monkeypatch):
    calls = []
    real = scenes.OnnxClassifier.probabilities

    def interrupted(self, frames):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, frames)

    monkeypatch.setattr(scenes.OnnxClassifier, 'probabilities', interrupted)
    with pytest.raises(KeyboardInterrupt):
        label(clips)
    assert not (clips / 's.jsonl').exists()
    refused(r'part.jsonl was begun with other settings \(hard is', label, clips, hard=True)
    done, said = label(clips)
    assert len(calls) == 4 and done.kept == 1 and done.row['videos'] == 3
    assert any('1 of 3 videos are finished already' in line for line in said)
    done, said = label(clips)
    assert len(calls) == 4 and said == [f'{clips}/s.jsonl: is complete already']
    refused('is there already, made with other settings .frames is', label, clips, frames=3)


def test_unreadable_videos(clips):
    (clips / 'videos' / 'k' / 'mixed.avi').write_bytes(b'')
    refused('k/mixed.avi cannot be read: the file is empty', label, clips, error=BadVideoError)
    done, _ = label(clips, missing='drop')
    assert [entry['video'] for entry in done.row['left_out']] == ['k/mixed.avi']
    assert len(read_scene_labels(clips / 's.jsonl')) == 2
    lines = scenes.summary(done)
    assert lines[0].endswith('scene labels of 2 videos, num_scenes=3')
    assert 'left out 1 listed videos' in lines[1] and 'k/mixed.avi: ' in lines[2]


def test_probabilities_or_logits(clips):
    frame = [np.full((8, 8, 3), RED, np.uint8)]
    with pytest.raises(DatasetError, match='no probabilities; add softmax=true if they are log'):
        onnx(clips, '').probabilities(frame)
    model(clips / 'm.onnx', [[0, 0, 0]] * 4)
    np.testing.assert_allclose(onnx(clips).probabilities(frame), [[0.25] * 4])
    # those of a model that softens are not softened twice
    model(clips / 'm.onnx', [[1, 0, 0], [-1, 0, 0]], bias=[0, 1])  # red and 1 - red
    found = onnx(clips, '').probabilities(frame)
    np.testing.assert_allclose(found, [[230 / 255, 25 / 255]], atol=1e-6)
    refused('gives probabilities already; leave softmax out', onnx(clips).probabilities, frame)


def test_normalisation_and_channels(clips):
    frame = [np.full((4, 6, 3), (200, 100, 50), np.uint8)]
    model(clips / 'm.onnx')
    options = ',size=8x8,scale=0.01,mean=0.5/0.25/0.1,std=0.5/2/1,softmax=true'
    expected = softmax((2 - 0.5) / 0.5, (1 - 0.25) / 2, 0.5 - 0.1)
    np.testing.assert_allclose(onnx(clips, options).probabilities(frame), [expected], atol=1e-5)
    swapped = softmax((0.5 - 0.5) / 0.5, (1 - 0.25) / 2, 2 - 0.1)
    found = onnx(clips, options + ',channels=bgr').probabilities(frame)
    np.testing.assert_allclose(found, [swapped], atol=1e-5)


def test_models_that_do_not_fit(clips):
    identity = [node('Identity', ['x'], 'y')]
    for shape, said in (
        ((1, 5, 8, 8), 'takes an input of shape .*image of 3 colours'),
        ((1, 3, 8, 8), r'gives an output of shape \(1, 3, 8, 8\); expected'),
    ):
        write_model(clips / 'm.onnx', identity, [], shape, shape)
        refused(said, onnx(clips).check)
    model(clips / 'm.onnx', shape=('n', 3, 'h', 'w'))
    refused('does not fix the size of its input.*size=HEIGHTxW', onnx(clips).check)
    onnx(clips, ',size=8x8,softmax=true').check()
    model(clips / 'm.onnx', [[-1, 0, 0], [0, 1, 0]], last=node('Sqrt', ['b'], 'y'))
    refused('gives values that are not finite', onnx(clips).check)


@pytest.mark.parametrize(
    'text, match',
    [
        ('places', 'no such classifier; expected one of: onnx:MODEL.*mmpretrain:CONFIG,CHECKPOINT'),
        ('onnx:', 'expected onnx:MODEL'),
        ('onnx:{}/none.onnx', 'none.onnx: no such file'),
        ('onnx:{}/m.onnx,width=3', "onnx has no option 'width'; options: size, scale"),
        ('onnx:{}/m.onnx,size=8', 'size=8: expected HEIGHTxWIDTH'),
        ('onnx:{}/m.onnx,size=99999x99999', 'expected height and width in px'),
        ('onnx:{}/m.onnx,size=8x8,size=9x9', 'size= is given twice'),
        ('onnx:{}/m.onnx,std=1/0/1', 'std=.*expected three numbers > 0'),
        ('onnx:{}/m.onnx,softmax=yes', 'softmax=yes: expected true or false'),
        ('onnx:{}/m.onnx,channels=grb', 'expected rgb or bgr'),
        ('mmpretrain:config.py', 'expected two files, mmpretrain:CONFIG,CHECKPOINT'),
        ('mmpretrain:{}/none.py,{}/m.onnx', 'none.py: no such config file'),
        ('mmpretrain:resnet18,{}/none.pth', 'none.pth: no such model file'),
    ],
)
def test_wrong_descriptions(clips, text, match):
    refused(f'classifier .*{match}', parse_classifier, text.replace('{}', str(clips)))


def test_bad_names(clips):
    refused('s.txt: name a file that ends in .jsonl or .npz', label, clips, 's.txt')
    refused('frames must be 1 or more, got 0', label, clips, frames=0, error=ValueError)


class FakeInferencer:
    """Has what MMPreTrain's ImageClassificationInferencer has; softmax of the mean BGR colour."""

    made = []

    def __init__(self, model, pretrained=True, device=None):
        if 'broken' in model:
            raise KeyError('no such\nmodel')
        self.made.append((model, pretrained))

    def preprocess(self, inputs, batch_size=1):
        for start in range(0, len(inputs), batch_size):
            yield torch.from_numpy(np.stack(inputs[start : start + batch_size]))

    def forward(self, batch):
        scores = (batch.float().mean((1, 2)) / 25).softmax(1)
        return [types.SimpleNamespace(pred_score=row) for row in scores]


@pytest.fixture
def mmpretrain(monkeypatch):
    package = types.ModuleType('mmpretrain')
    package.apis = types.ModuleType('mmpretrain.apis')
    package.apis.ImageClassificationInferencer = FakeInferencer
    monkeypatch.setitem(sys.modules, 'mmpretrain', package)
    monkeypatch.setitem(sys.modules, 'mmpretrain.apis', package.apis)
    scenes._inferencer.cache_clear()
    FakeInferencer.made.clear()
    yield
    scenes._inferencer.cache_clear()


def test_mmpretrain(clips, mmpretrain):
    (clips / 'places.py').write_text('model = dict()')
    classifier = parse_classifier(f'mmpretrain:{clips}/places.py,{clips}/m.onnx')
    label(clips, classifier=classifier, hard=True, workers=2)
    known = read_scene_labels(clips / 's.jsonl')
    # the last channel of BGR is red
    assert [known.of(f'k/{name}.avi') for name in ('red', 'mixed', 'blue')] == [2, 0, 0]
    assert FakeInferencer.made == [(str(clips / 'places.py'), str(clips / 'm.onnx'))]
    settings = json.loads((clips / 's.jsonl.report.json').read_text())['classifier']
    assert settings['config'] == 'places.py' and len(settings['config_sha256']) == 64


def test_mmpretrain_that_cannot_build(clips, mmpretrain):
    made = parse_classifier(f'mmpretrain:broken,{clips}/m.onnx')
    refused('cannot build broken with .*KeyError: .*no such', made.check)


def test_without_mmpretrain(clips, monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmpretrain.apis', None)
    scenes._inferencer.cache_clear()
    with pytest.raises(DatasetError, match='needs MMPreTrain: pip install mmpretrain .or export'):
        label(clips, classifier=parse_classifier(f'mmpretrain:resnet18,{clips}/m.onnx'))
