"""The scene label on its way to the data sample."""

import json
import pickle

import numpy as np
import pytest
import torch
from mmaction.registry import TRANSFORMS

from albar_mm.datasets.transforms.video_fields import LoadSceneLabels, with_scene_labels
from albar_mm.utils.errors import DatasetError
from tests.refused import refused


@pytest.fixture
def hard(tmp_path):
    path = tmp_path / 's.jsonl'
    path.write_text(json.dumps(dict(video='wave/a.avi', scene=3)))
    return path


def test_to_the_data_sample(tmp_path):
    path, video = tmp_path / 's.npz', np.array(['wave/a.avi'])
    np.savez(path, video=video, scene_prob=np.array([[0.25, 0.75]]), num_scenes=2)
    results = dict(filename='/data/wave/a.avi', imgs=np.zeros((1, 3, 2, 4, 4)), label=1)
    for step in with_scene_labels([dict(type='PackActionInputs')], path):
        results = TRANSFORMS.build(step)(results)
    target = results['data_samples'].scene_target
    assert target.dtype == torch.float32 and target.tolist() == [0.25, 0.75]


def test_class_index_of_raw_frames_in_workers_and_reports(hard):
    load = pickle.loads(pickle.dumps(LoadSceneLabels(hard)))
    results = dict(frame_dir='/frames/wave/a', filename='other')
    found = load(results)['scene_target']
    assert found.shape == () and found.dtype == torch.int64 and found == 3
    assert 'scene_target' not in results
    assert str(hard) not in repr(load)
    public = {key for key in vars(load) if not key.startswith('_')}
    assert public == {'missing'}  # results.json holds no paths


def test_missing_videos_and_wrong_use(hard, tmp_path, logged):
    told = "it has wave/a.avi, in another folder; .*label_scenes.py, .*missing='none'"
    with pytest.raises(DatasetError, match=f'no scene label of video b/a.avi; {told}'):
        LoadSceneLabels(hard)(dict(filename='b/a.avi'))
    load = LoadSceneLabels(hard, missing='none')
    for name in ('b/a.avi', 'b/a.avi', 'c.avi', 'd.avi'):
        assert load(dict(filename=name))['scene_target'] == -1
    assert ['1 videos' in logged[0], '2 videos' in logged[1], len(logged)] == [True, True, 2]
    with pytest.raises(ValueError, match="missing must be one of .*'fail', 'none'.*'skip'"):
        LoadSceneLabels(hard, missing='skip')
    refused('needs filename or frame_dir', LoadSceneLabels(hard), {}, error=ValueError)
    refused('no such file of scene labels', LoadSceneLabels, tmp_path / 'none.npz')


PIPELINE = [
    dict(type='DecordInit'),
    dict(type='mmaction.FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]


def test_with_scene_labels(tmp_path):
    before = json.dumps(PIPELINE)
    made = with_scene_labels(PIPELINE, tmp_path / 's.npz', missing='none')
    assert json.dumps(PIPELINE) == before
    assert made[2] == dict(type='LoadSceneLabels', file=str(tmp_path / 's.npz'), missing='none')
    assert made[3] == dict(type='PackActionInputs', algorithm_keys=('scene_target',))
    assert made[:2] == PIPELINE[:2]
    assert with_scene_labels(made, tmp_path / 's.npz', missing='none') == made
    carried = [*PIPELINE[:2], dict(type='PackActionInputs', algorithm_keys=['person_boxes'])]
    made = with_scene_labels(carried, 's.npz')
    assert made[3]['algorithm_keys'] == ('person_boxes', 'scene_target')


LOAD = dict(type='LoadSceneLabels')


@pytest.mark.parametrize(
    'pipeline, match',
    [
        (PIPELINE[:2], 'expected one PackActionInputs in the pipeline, got 0, of: DecordInit, For'),
        ([*PIPELINE, *PIPELINE], 'got 2'),
        ([dict(LOAD, file='other.npz'), *PIPELINE], 'has LoadSceneLabels with other settings alre'),
        ([*PIPELINE, dict(LOAD, file='s.npz')], 'stands after PackActionInputs'),
        ([dict(kind='x')], 'expected steps as config dicts with a type'),
    ],
)
def test_pipelines_that_do_not_fit(pipeline, match):
    refused(match, with_scene_labels, pipeline, 's.npz', error=ValueError)
