"""The layouts of box files, by hand."""

import pickle

import numpy as np
import pytest

from albar_mm.annotations.tubes import UCF101_24_CLASSES, read_boxes

from ..bias_sets.masks.toy_masks import write_boxes
from ..refused import refused


def written(path, content):
    path.write_bytes(pickle.dumps(content, protocol=2))
    return path


def test_gttubes(tmp_path):
    """Frames from 1, corners; the tubes of a class in their order."""
    tube = np.array([[3, 1, 2, 5, 7], [4, 2, 3, 6, 8]], np.float32)
    tubes = {'Fencing/v_Fencing_g01_c01': {1: [tube, tube + [[1, 10, 10, 10, 10]]]}}
    content = {'labels': ['Diving', 'Fencing'], 'gttubes': tubes}
    boxes = read_boxes(written(tmp_path / 'a.pkl', content))
    first, second = boxes['Fencing/v_Fencing_g01_c01']
    assert first.frames.tolist() == [2, 3] and first.boxes.tolist() == [[1, 2, 5, 7], [2, 3, 6, 8]]
    assert second.frames.tolist() == [3, 4] and second.boxes[0].tolist() == [11, 12, 15, 17]
    assert first.class_name == second.class_name == 'Fencing'


def pyannot(**changes):
    tube = dict(label=6, sf=2, ef=4, boxes=np.array([[250, 10, 60, 40], [2, 3, 1, 1]], np.uint8))
    return {'Fencing/v': {'annotations': [{**tube, **changes}], 'numf': 9, 'label': 6}}


def test_pyannot(tmp_path):
    """Frames from 0, the last exclusive; width and height, whose sum leaves uint8."""
    (tube,) = read_boxes(written(tmp_path / 'a.pickle', pyannot()))['Fencing/v']
    assert tube.frames.tolist() == [2, 3]
    assert tube.boxes.tolist() == [[250, 10, 310, 50], [2, 3, 3, 4]]
    assert tube.class_name == UCF101_24_CLASSES[6] == 'Fencing'


def test_text(tmp_path):
    path = write_boxes(tmp_path / 'b.txt', ('wave/a b', 1, 0, 0, 10, 10.5), ('clip', 5, 1, 2, 3, 4))
    path.write_text('\ufeff# a comment\n\n' + path.read_text(), encoding='utf-8')
    boxes = read_boxes(path)
    assert boxes.keys() == {'wave/a b', 'clip'}
    (tube,) = boxes['wave/a b']
    assert tube.frames.tolist() == [0] and tube.boxes.tolist() == [[0, 0, 10, 10.5]]
    assert boxes['clip'][0].frames.tolist() == [4] and boxes['clip'][0].class_name is None


def test_text_boxes_are_joined_to_actors(tmp_path):
    """Two actors in any order; one leaves, a gap begins a new tube."""
    starts = ((1, 0), (1, 50), (2, 51), (2, 1), (3, 2), (5, 3))
    rows = [('v', frame, x, 0, x + 10, 10) for frame, x in starts]
    path = write_boxes(tmp_path / 'b.txt', *rows)
    tubes = [(t.frames.tolist(), t.boxes[:, 0].tolist()) for t in read_boxes(path)['v']]
    assert tubes == [([0, 1, 2], [0, 1, 2]), ([0, 1], [50, 51]), ([4], [3])]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([1], 'a.pkl: expected a dict of annotations, got list'),
        ({'v': 3}, 'a.pkl: cannot be read as either layout of the UCF101-24 annotation'),
        ({'gttubes': {'v': {0: [np.zeros((1, 5))]}}}, 'either layout'),
        ({'gttubes': {'v': {7: [np.ones((1, 5))]}}, 'labels': ['a']}, 'either layout'),
        ({'gttubes': {'v': {0: [np.ones((1, 4))]}}, 'labels': ['a']}, 'either layout'),
        (
            {'gttubes': {'v': {0: [np.array([[0, 1, 1, 2, 2]])]}}, 'labels': ['a']},
            'v: frame numbers must be whole and start at the first frame',
        ),
        (
            {'gttubes': {'v': {0: [np.array([[1, 1, 1, 1, 2]])]}}, 'labels': ['a']},
            r'v: frame 1: the box \[1.0, 1.0, 1.0, 2.0\] is empty; expected x1 < x2',
        ),
        ({'gttubes': {'v': {0: [np.array([[1, 1, 1, np.nan, 2]])]}}, 'labels': ['a']}, 'is empty'),
        (
            {'gttubes': {'v': {0: [np.array([[1, 0, 0, 2, 2]] * 2)]}}, 'labels': ['a']},
            'v: a tube has two boxes in one frame',
        ),
        ({'gttubes': {'v': {0: [np.zeros((0, 5))]}}, 'labels': ['a']}, 'v: a tube without boxes'),
        (pyannot(ef=2 + 10**12), 'a tube has 2 boxes for the 1000000000000 frames'),
        (pyannot(ef=5), 'Fencing/v: a tube has 2 boxes for the 3 frames from 2 to 5'),
        (pyannot(label=24), 'Fencing/v: class 24; expected 0 to 23'),
        (pyannot(boxes=[[1, 1, 0, 5]] * 2), 'Fencing/v: frame 3: the box .* is empty'),
    ],
)
def test_broken_pickles(tmp_path, content, message):
    refused(message, read_boxes, written(tmp_path / 'a.pkl', content))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'b.txt: holds no boxes'),
        ('# only this\n', 'b.txt: holds no boxes'),
        (
            'v 1 0 0 5 5\nv 2 0 0 5\n',
            r"b.txt:2: expected 'video frame x1 y1 x2 y2', got 'v 2 0 0 5'",
        ),
        ('v 1.5 0 0 5 5\n', "b.txt:1: expected 'video frame"),
        ('v 1 0 0 five 5\n', "b.txt:1: expected 'video frame"),
        ('v 0 0 0 5 5\n', 'b.txt:1: frame numbers must be whole and start at the first frame'),
        ('v 1 5 0 5 5\n', r'b.txt:1: frame 1: the box \[5.0, 0.0, 5.0, 5.0\] is empty'),
        ('v 1 0 0 inf 5\n', 'b.txt:1: frame 1: the box .* is empty'),
    ],
)
def test_broken_text(tmp_path, text, message):
    (tmp_path / 'b.txt').write_text(text)
    refused(message, read_boxes, tmp_path / 'b.txt')
