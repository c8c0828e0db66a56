"""Videos with actions as a dataset: items, random windows, checks, and what is refused."""

import random
from unittest.mock import Mock

import numpy as np
import pytest

from albar_mm.utils.errors import DatasetError
from downstream.features.store import FeatureStore
from downstream.features.time_grid import TimeGrid
from downstream.tal.annotations import read_annotation
from downstream.tal.checks import check_data, coverage
from downstream.tal.dataset import TRIES, SegmentFeatureDataset, truncate

from ...refused import refused
from .toy import CLASSES, FPS, SAMPLING, entry, make_store, write_json, write_oracle

GRID = SAMPLING.grid(600, FPS)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_oracle(tmp_path_factory.mktemp('oracle'), 10, 4)


def dataset(folder, subset='validation', **given):
    return SegmentFeatureDataset(str(folder / 'segments.json'), folder / 'store', subset, **given)


def test_items_and_the_grid_of_a_published_example(folder, tmp_path):
    data = dataset(folder, 'test')
    assert len(data) == 4 and data.metainfo['classes'] == ['bow', 'dive', 'hop']
    item = data[1]
    sample, grid = item['data_samples'], data.store.grid('test_001')
    assert item['inputs'].shape == (16, grid.num_snippets) and sample.video_id == 'test_001'
    assert np.array_equal(item['inputs'].numpy().T, data.store.load('test_001'))
    assert sample.gt_segments.shape == (len(sample.gt_labels), 2)
    assert 'snippet_segments' not in sample
    store = make_store(tmp_path / 'store')
    store.put('v', np.random.default_rng(0).normal(size=(250, 4)), SAMPLING.grid(1015, FPS))
    video = entry(actions=[(0.2, 1.1, 'jump')], duration=33.83)
    write_json(tmp_path / 'segments.json', dict(v=video))
    found = dataset(tmp_path, max_len=2304, crop_ratio=None)[0]['data_samples'].snippet_segments
    assert found.flatten().tolist() == pytest.approx([-0.5, 6.25])


def test_windows_of_training(folder):
    data = dataset(folder, max_len=40)
    for index in range(len(data)):
        item = data[index]
        sample, size = item['data_samples'], item['inputs'].shape[1]
        assert size == 40 and len(sample.snippet_labels) == len(sample.snippet_segments)
        assert (sample.snippet_segments >= 0).all() and (sample.snippet_segments <= 40).all()
        # what is inside an action shows its class
        for (begin, end), label in zip(sample.snippet_segments, sample.snippet_labels, strict=True):
            inside = item['inputs'][:3, int(begin) + 1 : int(end)]
            assert inside.shape[1] < 3 or int(inside.mean(1).argmax()) == int(label)


def test_videos_that_are_left_out_or_missing(folder, tmp_path):
    names = [v.video_id for v in dataset(folder, leave_out=['validation_003']).videos()]
    assert len(names) == 9 and 'validation_003' not in names
    refused("leave_out names 'gone'", dataset, folder, leave_out=['gone'])
    refused("missing must be one of 'fail', 'drop', got 'x'", dataset, folder, missing='x')
    store = make_store(tmp_path / 'store')
    given = FeatureStore(folder / 'store')
    for name in given.ids()[:-2]:
        store.put(name, given.load(name), given.grid(name))
    (tmp_path / 'segments.json').write_text((folder / 'segments.json').read_text())
    data = dataset(tmp_path, missing='drop')
    assert len(data) == 8 and len(data.dropped) == 2


def one_video(folder, features, grid, **change):
    store = make_store(folder / 'store')
    store.put('v', features, grid)
    write_json(folder / 'segments.json', dict(v={**entry(), **change}))
    return dataset(folder)


@pytest.mark.parametrize(
    'shape, grid, message',
    [
        ((147, 2, 4), (147, 4, 8.0, 600, FPS), r'expected \(T, C\): extract one crop'),
        ((75, 4), (75, 4, 8.0, 600, FPS), '75 snippets of .v., one every 4 frames, span 296 of'),
        ((147, 4), (147, 8, 8.0, 600, FPS), 'another stride'),
        ((147, 4), (147, 4, 8.0, 600, 15.0), 'lasts 40.0 s by its features, 20.0 s by the ann'),
    ],
)
def test_features_of_another_shape_stride_or_video(tmp_path, shape, grid, message):
    data = one_video(tmp_path, np.random.default_rng(0).normal(size=shape), TimeGrid(*grid))
    with pytest.raises(DatasetError, match=message) as caught:
        data[0]
    assert '\n' not in str(caught.value)


def test_checks(folder, tmp_path):
    parts = {subset: dataset(folder, subset) for subset in ('validation', 'test')}
    text = '\n'.join(check_data((*CLASSES[:3], 'swim'), parts))
    assert 'validation: 10 videos, ' in text and 'classes without an action: swim' in text
    assert 'test: snippets cover 100.0% of the annotated time' in text
    assert 'THUMOS14' not in text and 'WARNING' not in text
    late = [dict(label='jump', segment=segment) for segment in ([19.0, 25.0], [22.0, 25.0])]
    constant = one_video(tmp_path, np.ones((147, 4)), GRID, annotations=late)
    # snippets end at (146.5 * 4 + 8) / 30 = 19.8 s
    assert coverage(constant) == pytest.approx(0.8 / 9)
    refused('snippets cover 9% of the annotated time', check_data, ['jump'], dict(train=constant))
    constant = one_video(tmp_path / 'b', np.ones((147, 4)), GRID)
    refused('all snippets of a video are alike', check_data, ['jump', 'run'], dict(train=constant))


@pytest.mark.real_data
def test_the_real_thumos14_drives_the_dataset(real_data, tmp_path):
    """Features of the right lengths for all 412 videos; 2 channels, for tests only."""
    path = real_data / 'thumos14' / 'thumos14.json'
    store, draws = make_store(tmp_path / 'store'), np.random.default_rng(0)
    for video in read_annotation(path).videos:
        grid = SAMPLING.grid(round(video.duration_s * video.fps), video.fps)
        store.put(video.video_id, draws.normal(size=(grid.num_snippets, 2)), grid)
    train = SegmentFeatureDataset(str(path), store.root, 'Validation', max_len=2304)
    test = SegmentFeatureDataset(str(path), store.root, 'test')
    assert (len(train), len(test)) == (200, 212)
    items = list(train)
    assert 2000 < sum(len(each['data_samples'].snippet_labels) for each in items) <= 3007
    assert max(each['inputs'].shape[1] for each in items) == 2304
    assert sum(len(each['data_samples'].gt_labels) for each in test) == 3358
    text = '\n'.join(check_data(train.metainfo['classes'], dict(train=train, test=test)))
    assert 'train: 200 videos, 3007 actions of 20 classes' in text
    assert 'video_test_0000270: 22 of its 29 actions lie beyond its end' in text
    assert 'video_test_0000270 (22), video_test_0000814 (3), video_test_0001081 (1)' in text
    assert '212 test videos are scored, 0 lack features. 213 have features' in text
    fewer = SegmentFeatureDataset(str(path), store.root, 'test', leave_out=['video_test_0000270'])
    text = '\n'.join(check_data(train.metainfo['classes'], dict(test=fewer)))
    assert '211 test videos' in text and 'with actions beyond its end, is left out' in text


SEGMENTS = np.array([[-1.0, 3], [5, 9], [12, 19.5]])


@pytest.mark.parametrize(
    'seed, max_len, margin, first, size, kept, segments',
    [
        (3, 8, 0, 3, 8, [1], [[2, 6]]),
        (3, 8, 2, 3, 8, [0, 1], [[-2, 0], [2, 6]]),
        (0, 2304, 0, 1, 19, [0, 1, 2], [[0, 2], [4, 8], [11, 18.5]]),
        (0, 2304, 2, 1, 19, [0, 1, 2], [[-2, 2], [4, 8], [11, 18.5]]),
    ],
)
def test_published_draws(seed, max_len, margin, first, size, kept, segments):
    crop_ratio = None if max_len == 8 else (0.9, 1.0)
    *window, inside, left = truncate(
        20, SEGMENTS, max_len, random.Random(seed), 0.5, crop_ratio, margin
    )
    assert window == [first, size] and left.tolist() == segments
    assert np.flatnonzero(inside).tolist() == kept


def test_windows_hold_an_action_if_they_can_and_end_after_many_draws():
    draws = Mock(randint=Mock(return_value=0))
    first, _, kept, _ = truncate(5000, np.array([[4000.0, 4100]]), 64, draws)
    assert draws.randint.call_count == TRIES and not kept.any() and first == 0
    assert truncate(50, np.zeros((0, 2)), 10, draws)[3].shape == (0, 2)
    draws = random.Random(0)
    for _ in range(50):  # they hold an action if they can
        ((begin, end),) = truncate(50, np.array([[40.0, 44]]), 10, draws)[3]
        assert 0 <= begin < end <= 10 and end - begin >= 2
    for ratio in (None, (1.0, 1.0)):  # taken whole
        *window, _, segments = truncate(20, SEGMENTS, 64, draws, 0.5, ratio)
        assert window == [0, 20] and segments is SEGMENTS
