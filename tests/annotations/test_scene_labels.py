"""Files of scene labels: what they may hold, how a video is found, what is refused."""

import json

import numpy as np
import pytest

from albar_mm.annotations.scene_labels import read_scene_labels, scene_count
from albar_mm.utils.errors import DatasetError
from tests.refused import refused


def write_lines(path, rows):
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return path


def hard(name, scene, **more):
    return dict(video=name, scene=scene, **more)


def test_hard_labels(tmp_path):
    rows = hard('videos/train/a.avi', 2, label=1, boxes=[[0, 0, 1, 1]]), hard('b/c d.mp4', 6)
    path = write_lines(tmp_path / 's.jsonl', rows)
    known = read_scene_labels(path)
    assert (len(known), known.soft, known.num_scenes, scene_count(path)) == (2, False, 7, 7)
    assert known.of('/data/x/videos/train/a.avi') == 2 and known.of('/x/b/c_d.avi') == 6
    assert known.of('/data/videos/test/a.avi') is None
    assert read_scene_labels(path) is known  # read once


def test_soft_labels_sum_to_one_again(tmp_path):
    rows = [dict(video='a', scene_prob=[0.2, 0.3, 0.499]), dict(video='b', scene_prob=[0, 0, 1])]
    known = read_scene_labels(write_lines(tmp_path / 's.jsonl', rows))
    assert known.soft and known.num_scenes == 3
    found = known.of('a')
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.array([0.2, 0.3, 0.499]) / 0.999, rtol=1e-6)


def test_probabilities_come_before_a_class(tmp_path):
    rows = [hard('a', 9, scene_prob=[0.5, 0.5])]
    assert read_scene_labels(write_lines(tmp_path / 's.jsonl', rows)).num_scenes == 2


def test_a_told_number_of_scenes(tmp_path):
    path = write_lines(tmp_path / 's.jsonl', [hard('a', 3, num_scenes=365)])
    assert scene_count(path) == 365


@pytest.mark.parametrize('soft', [True, False])
def test_npz(tmp_path, soft):
    labels = np.array([[0.25, 0.75], [1, 0]], np.float16) if soft else np.array([1, 0])
    arrays = {'video': np.array(['x/a.avi', 'x/b.avi']), 'scene_prob' if soft else 'scene': labels}
    np.savez(tmp_path / 's.npz', num_scenes=2, **arrays)
    known = read_scene_labels(tmp_path / 's.npz')
    assert known.soft == soft and known.num_scenes == 2
    assert np.array_equal(known.of('/d/x/b.mp4'), labels[1])


def test_motion_sprites(tmp_path):
    """The file that the embedded benchmark writes, against the clips it was written from."""
    from albar_mm.datasets.motion_sprites import builder

    settings = builder.SpritesSettings(train=8, val=8, test=8)
    clips = builder.split_clips(settings)['val']
    (tmp_path / 'videos').mkdir()
    builder._write_split(tmp_path, 'val', clips, workers=1)
    known = read_scene_labels(tmp_path / 'val.jsonl')
    assert [known.of(tmp_path / f'videos/val/{c.name}.avi') for c in clips] == [
        c.scene for c in clips
    ]
    assert known.num_scenes == max(c.scene for c in clips) + 1


@pytest.mark.parametrize(
    'text, match',
    [
        ('', r's.jsonl: holds no videos'),
        ('{"video": "a", "scene": 1}\n{"video"', r's.jsonl:2: is no JSON'),
        ('[1]', r's.jsonl:1: expected a JSON object'),
        ('{"video": 3, "scene": 1}', r's.jsonl:1: expected "video", some text, got 3'),
        ('{"video": "a"}', 's.jsonl:1: a: expected "scene", .*which is missing'),
        ('{"video": "a", "scene": -1}', 's.jsonl:1: a: expected "scene".* -1'),
        ('{"video": "a", "scene": 1.5}', 's.jsonl:1: a: expected "scene".* 1.5'),
        ('{"video": "a", "scene": true}', 's.jsonl:1: a: expected "scene".* True'),
        ('{"video": "a", "scene": 1, "num_scenes": "x"}', 's.jsonl:1: a: expected "num_scenes"'),
        ('{"video": "a", "scene": 3, "num_scenes": 3}', 's.jsonl: says num_scenes=3, .* need 4'),
        ('{"video": "a", "scene_prob": [1, 0], "num_scenes": 3}', 'num_scenes=3, .* need 2'),
        (f'{{"video": "a", "scene": {10**30}}}', 's.jsonl:1: a: expected "scene", a class index'),
        (f'{{"video": "a", "scene_prob": [{10**400}, 1]}}', 's.jsonl:1: a: expected "scene_prob"'),
        ('{"video": "a", "scene_prob": [1]}', 's.jsonl:1: a: expected "scene_prob"'),
        ('{"video": "a", "scene_prob": ["x", 1]}', 's.jsonl:1: a: expected "scene_prob"'),
        ('{"video": "a", "scene_prob": [[1, 2]]}', 's.jsonl:1: a: expected "scene_prob"'),
        ('{"video": "a", "scene_prob": [0.5, 0.6]}', 's.jsonl: a: scene_prob are no prob.*sum 1.1'),
        ('{"video": "a", "scene_prob": [1.5, -0.5]}', 'smallest value -0.5'),
        ('{"video": "a", "scene_prob": [NaN, 1]}', 's.jsonl: a: scene_prob are no probabilities'),
        (
            '{"video": "a", "scene": 1}\n{"video": "b", "scene_prob": [1, 0]}',
            's.jsonl:2: 2 probabilities, but .*:1 has a class index',
        ),
        (
            '{"video": "a", "scene_prob": [1, 0]}\n{"video": "b", "scene_prob": [1, 0, 0]}',
            's.jsonl:2: 3 probabilities, but .*:1 has 2 probabilities',
        ),
    ],
)
def test_bad_lines(tmp_path, text, match):
    (tmp_path / 's.jsonl').write_text(text)
    refused(match, read_scene_labels, tmp_path / 's.jsonl')


NAMES = np.array(['a', 'b'])


@pytest.mark.parametrize(
    'arrays, match',
    [
        (dict(scene=np.arange(2)), 'expected the arrays video'),
        (dict(video=np.arange(2), scene=np.arange(2)), 'expected the arrays video'),
        (dict(video=NAMES), 'expected the arrays video'),
        (dict(video=NAMES, scene=np.arange(3)), r'scene is int64 \(3,\) for 2 videos'),
        (dict(video=NAMES, scene=np.ones(2)), r'scene is float64 \(2,\) for 2 videos; expected in'),
        (dict(video=NAMES, scene_prob=np.ones(2)), r'scene_prob is float64 \(2,\)'),
        (dict(video=NAMES, scene=np.array([0, -3])), 'b: scene -3; expected a class index'),
        (dict(video=NAMES, scene=np.arange(2), num_scenes=np.ones(2)), 'num_scenes is float64'),
        (dict(video=NAMES, scene=np.arange(2), num_scenes=1), 'says num_scenes=1, .* need 2'),
        (dict(video=np.array(['a', 'b'], object), scene=np.arange(2)), 'cannot be read as arrays'),
    ],
)
def test_bad_arrays(tmp_path, arrays, match):
    np.savez(tmp_path / 's.npz', **arrays)
    with pytest.raises(DatasetError, match=f's.npz: .*{match}'):
        read_scene_labels(tmp_path / 's.npz')


def test_files_that_are_none(tmp_path):
    with pytest.raises(DatasetError, match='s.npz: no such file of scene labels; tools/label_'):
        read_scene_labels(tmp_path / 's.npz')
    for name, said in (('s.npz', 'cannot be read as arrays: '), ('s.jsonl', '1: is no UTF-8 text')):
        (tmp_path / name).write_bytes(b'\xff\xfe\xff')
        with pytest.raises(DatasetError, match=f'{name}:.*{said}'):
            read_scene_labels(tmp_path / name)
