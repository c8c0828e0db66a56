"""Videos with actions as a dataset: items, parts, and what is refused."""

import numpy as np
import pytest

from albar_mm.utils.errors import DatasetError
from downstream.features.store import FeatureStore
from downstream.features.time_grid import TimeGrid
from downstream.tal.checks import Part, check_data, coverage
from downstream.tal.dataset import SegmentFeatureDataset

from .toy import CLASSES, FPS, SAMPLING, entry, make_store, write_json, write_oracle


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_oracle(tmp_path_factory.mktemp('oracle'), 10, 4)


def dataset(folder, subset='validation', **given):
    return SegmentFeatureDataset(str(folder / 'segments.json'), folder / 'store', subset, **given)


def test_items(folder):
    data = dataset(folder, 'test')
    assert len(data) == 4 and data.metainfo['classes'] == ['bow', 'dive', 'hop']
    item = data[1]
    sample, grid = item['data_samples'], data.store.grid('test_001')
    assert item['inputs'].shape == (16, grid.num_snippets) and sample.video_id == 'test_001'
    assert np.array_equal(item['inputs'].numpy().T, data.store.load('test_001'))
    assert sample.gt_segments.shape == (len(sample.gt_labels), 2)
    assert 'snippet_segments' not in sample


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


def test_grid_of_a_published_example(tmp_path):
    """30 fps, stride 4, 16 frames: 0.2 and 1.1 s are snippets -0.5 and 6.25."""
    store = make_store(tmp_path / 'store')
    store.put('v', np.random.default_rng(0).normal(size=(250, 4)), SAMPLING.grid(1015, FPS))
    write_json(
        tmp_path / 'segments.json', dict(v=entry(actions=[(0.2, 1.1, 'jump')], duration=33.83))
    )
    data = dataset(tmp_path, max_len=2304, crop_ratio=None)
    assert data[0]['data_samples'].snippet_segments.flatten().tolist() == pytest.approx(
        [-0.5, 6.25]
    )


def test_parts_never_share_a_video(folder):
    parts = {
        name: {v.video_id for v in dataset(folder, part=name, val_share=0.3).videos()}
        for name in ('train', 'val', 'all')
    }
    assert len(parts['val']) == 3 and not parts['train'] & parts['val']
    assert parts['train'] | parts['val'] == parts['all']
    assert parts['val'] != {
        v.video_id for v in dataset(folder, part='val', val_share=0.3, val_seed=1).videos()
    }
    for given, message in (
        (dict(part='x'), "part is 'x'"),
        (dict(val_share=1), 'val_share is 1'),
        (dict(missing='x'), "missing is 'x'"),
    ):
        with pytest.raises(DatasetError, match=message):
            dataset(folder, **given)


def test_videos_that_are_left_out_or_missing(folder, tmp_path):
    names = [v.video_id for v in dataset(folder, leave_out=['validation_003']).videos()]
    assert len(names) == 9 and 'validation_003' not in names
    with pytest.raises(DatasetError, match="leave_out names 'gone'"):
        dataset(folder, leave_out=['gone'])
    store = make_store(tmp_path / 'store')
    given = FeatureStore(folder / 'store')
    for name in given.ids()[:-2]:
        store.put(name, given.load(name), given.grid(name))
    (tmp_path / 'segments.json').write_text((folder / 'segments.json').read_text())
    with pytest.raises(DatasetError, match="lacks 2 of the 10 validation videos .* as 'valid"):
        dataset(tmp_path)
    data = dataset(tmp_path, missing='drop')
    assert len(data) == 8 and len(data.dropped) == 2


def one_video(folder, features, grid, **change):
    store = make_store(folder / 'store')
    store.put('v', features, grid)
    write_json(folder / 'segments.json', dict(v={**entry(), **change}))
    return dataset(folder)


@pytest.mark.parametrize(
    'features, message',
    [
        (np.full((147, 4), np.nan), "features of 'v' are not all finite"),
        (np.zeros((147, 2, 4)), r'expected \(T, C\): extract one crop'),
    ],
)
def test_features_that_are_refused(tmp_path, features, message):
    data = one_video(tmp_path, features, SAMPLING.grid(600, FPS))
    with pytest.raises(DatasetError, match=message):
        data[0]


@pytest.mark.parametrize(
    'grid, message',
    [
        (
            TimeGrid(75, 4, 8.0, 600, FPS),
            '75 snippets of .v., one every 4 frames, span 296 of its 600 '
            'frames: the features are of another stride',
        ),
        (TimeGrid(147, 8, 8.0, 600, FPS), 'another stride'),
        (
            TimeGrid(147, 4, 8.0, 600, 15.0),
            'lasts 40.0 s by its features, 20.0 s by the annotation',
        ),
    ],
)
def test_features_of_another_stride_or_video(tmp_path, grid, message):
    data = one_video(tmp_path, np.random.default_rng(0).normal(size=(grid.num_snippets, 4)), grid)
    with pytest.raises(DatasetError, match=message) as caught:
        data[0]
    assert '\n' not in str(caught.value)


def test_other_widths(folder, tmp_path):
    store = make_store(tmp_path / 'store')
    for name, width in (('a', 4), ('b', 5)):
        store.put(name, np.ones((147, width)), SAMPLING.grid(600, FPS))
    write_json(tmp_path / 'segments.json', dict(a=entry(), b=entry()))
    data = dataset(tmp_path)
    data[0]
    with pytest.raises(DatasetError, match="'b' have 5 channels, others have 4"):
        data[1]


def test_checks(folder, tmp_path):
    parts = [
        Part(subset, dataset(folder, subset).videos(), FeatureStore(folder / 'store'))
        for subset in ('validation', 'test')
    ]
    lines = check_data((*CLASSES[:3], 'swim'), parts)
    text = '\n'.join(lines)
    assert 'validation: 10 videos, ' in text and 'classes without an action: swim' in text
    assert 'test: snippets cover 100.0% of the annotated time' in text
    assert 'THUMOS14' not in text and 'WARNING' not in text
    constant = one_video(
        tmp_path,
        np.ones((147, 4)),
        SAMPLING.grid(600, FPS),
        annotations=[
            dict(label='jump', segment=[19.0, 25.0]),
            dict(label='jump', segment=[22.0, 25.0]),
        ],
    )
    part = Part('train', constant.videos(), constant.store, ['w'])
    # snippets end at (146.5 * 4 + 8) / 30 = 19.8 s
    assert coverage(part) == pytest.approx(0.8 / 9)
    with pytest.raises(DatasetError, match='snippets cover 9% of the annotated time'):
        check_data(['jump'], [part])
    constant = one_video(tmp_path / 'b', np.ones((147, 4)), SAMPLING.grid(600, FPS))
    with pytest.raises(DatasetError, match='all snippets of a video are alike'):
        check_data(['jump', 'run'], [Part('train', constant.videos(), constant.store)])


@pytest.mark.real_data
def test_the_real_thumos14_drives_the_dataset(real_data, tmp_path):
    """Features of the right lengths for all 412 videos; 2 channels, for tests only."""
    from downstream.tal.annotations import read_annotation

    path = real_data / 'thumos14' / 'thumos14.json'
    store, random = make_store(tmp_path / 'store'), np.random.default_rng(0)
    for video in read_annotation(path).videos:
        grid = SAMPLING.grid(round(video.duration_s * video.fps), video.fps)
        store.put(video.video_id, random.normal(size=(grid.num_snippets, 2)), grid)
    train = SegmentFeatureDataset(str(path), store.root, 'Validation', max_len=2304)
    test = SegmentFeatureDataset(str(path), store.root, 'test')
    assert (len(train), len(test)) == (200, 212)
    actions = sum(len(each['data_samples'].snippet_labels) for each in train)
    assert 2000 < actions <= 3007
    assert max(each['inputs'].shape[1] for each in train) == 2304
    assert sum(len(each['data_samples'].gt_labels) for each in test) == 3358
    parts = [Part(name, data.videos(), store) for name, data in (('train', train), ('test', test))]
    text = '\n'.join(check_data(train.metainfo['classes'], parts))
    assert 'train: 200 videos, 3007 actions of 20 classes' in text
    assert 'video_test_0000270: 22 of its 29 actions lie beyond its end' in text
    assert 'video_test_0000270 (22), video_test_0000814 (3), video_test_0001081 (1)' in text
    assert '212 test videos are scored, 0 lack features. 213 have features' in text
    fewer = SegmentFeatureDataset(str(path), store.root, 'test', leave_out=['video_test_0000270'])
    text = '\n'.join(check_data(train.metainfo['classes'], [Part('test', fewer.videos(), store)]))
    assert '211 test videos' in text and 'with actions beyond its end, is left out' in text
