"""Items, parts and batches of annotated features; see also the tests of detection."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import DATA_SAMPLERS, DATASETS
from mmengine.dataset import DefaultSampler

from albar_mm.engine.launch import load_config
from albar_mm.utils.errors import DatasetError
from downstream.anomaly import dataset as module
from downstream.anomaly.annotations import prepare_ucf_crime
from downstream.anomaly.dataset import AnomalyFeatureDataset, BalancedAnomalySampler
from downstream.anomaly.functional import pool_segments
from downstream.detection import dataset as shared
from downstream.features.store import FeatureStore

from ...refused import refused
from .toy import CHANNELS, SAMPLING, write_oracle


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_oracle(tmp_path_factory.mktemp('oracle'), crops=2)


def dataset(folder, split='train', **options):
    return AnomalyFeatureDataset(str(folder / f'{split}.txt'), folder / 'store', **options)


def test_items_and_labels_in_any_order_of_lines(folder, tmp_path):
    store = FeatureStore(folder / 'store')
    whole = dataset(folder, 'test')[3]
    sample = whole['data_samples']
    assert sample.video_id == 'test003' and sample.gt_label == 1 and sample.category == 'Fight'
    features = store.load('test003')
    assert np.array_equal(whole['inputs'].numpy(), features.swapaxes(0, 1))
    assert np.array_equal(sample.snippet_of_frame, store.grid('test003').snippet_of_frame())
    pooled = dataset(folder, 'test', num_segments=32, crop=1)
    assert pooled[3]['inputs'].shape == (1, 32, CHANNELS)
    assert np.array_equal(pooled[3]['inputs'][0].numpy(), pool_segments(features[:, 1]))
    assert pooled[3]['inputs'] is pooled[3]['inputs']  # pooled once
    assert 'snippet_of_frame' not in pooled[3]['data_samples']
    lines = (folder / 'train.txt').read_text().splitlines()[::-1]
    (tmp_path / 'train.txt').write_text('\n'.join(lines))
    turned = AnomalyFeatureDataset(str(tmp_path / 'train.txt'), folder / 'store')
    assert turned.labels() == dataset(folder).labels()[::-1] == [1, 0] * 12
    assert turned[0]['data_samples'].gt_label == 1
    assert sorted(dataset(folder, part='val').labels()) == [0, 0, 1, 1]  # of every kind


def test_halves_and_data_that_are_refused(folder, tmp_path):
    halves = dict(encoder={}, sampling=SAMPLING.settings(), dtype='float16')
    store = FeatureStore.create(tmp_path / 'store', halves)
    store.put('train000', np.ones((2, 3)), SAMPLING.grid(16, 30.0))
    (tmp_path / 'train.txt').write_text('train000.mp4 Normal\n')
    assert dataset(tmp_path)[0]['inputs'].dtype == torch.float32
    (tmp_path / 'train.txt').write_text('train000.mp4 7 Normal\n')
    short = AnomalyFeatureDataset(str(tmp_path / 'train.txt'), folder / 'store')
    with pytest.raises(DatasetError, match="'train000' has .* frames, its annotation says 7"):
        short[0]
    with pytest.raises(DatasetError, match='crop is 2, but the features'):
        dataset(folder, crop=2)[0]
    refused('is no feature store', AnomalyFeatureDataset, str(folder / 'train.txt'), tmp_path)


class Labelled(list):
    """Stands for a data set of which only labels matter here."""

    def labels(self):
        return list(self)


def batches(normal, anomalous, size, epoch=0, **options):
    sampler = DefaultSampler(Labelled([0] * normal + [1] * anomalous), seed=0)
    sampler.set_epoch(epoch)
    return list(BalancedAnomalySampler(sampler, size, **{'seed': 0, **options}))


def test_batches_are_balanced_and_every_video_is_used():
    for normal, anomalous in ((10, 23), (23, 10), (3, 40), (8, 8)):
        found = batches(normal, anomalous, 8)
        assert len(found) == -(-max(normal, anomalous) // 4)
        for batch in found:
            assert [i >= normal for i in batch] == [False] * 4 + [True] * 4
        assert {i for batch in found for i in batch} == set(range(normal + anomalous))
    refused('order must be one of', batches, 10, 10, 8, order='sorted', error=ValueError)
    refused('batch_size is 7; expected an even number', batches, 10, 10, 7, error=ValueError)
    refused('0 normal and 3 anomalous videos', batches, 0, 3, 2, error=ValueError)


def test_batches_of_epochs_and_processes(monkeypatch):
    assert batches(10, 23, 8) == batches(10, 23, 8) != batches(10, 23, 8, epoch=1)
    assert batches(10, 23, 8) != batches(10, 23, 8, seed=1)
    assert len(batches(10, 23, 8, drop_last=True)) == 5
    whole, parts = batches(10, 23, 8), []
    for rank in range(2):
        monkeypatch.setattr(module, 'get_dist_info', lambda rank=rank: (rank, 2))
        parts.append(batches(10, 23, 8))
    assert len(parts[0]) == len(parts[1]) == 3
    assert [parts[i % 2][i // 2] for i in range(6)] == whole


def test_batches_in_the_order_of_the_list():
    """As two loaders in a fixed order, zipped: the shorter ends it, every epoch is the same."""
    published = dict(order='given', drop_last=True)
    assert batches(5, 7, 4, **published) == [[0, 1, 5, 6], [2, 3, 7, 8]]
    assert batches(5, 7, 4, epoch=3, seed=9, **published) == batches(5, 7, 4, **published)
    assert batches(5, 7, 4, order='given')[2:] == [[4, 0, 9, 10]]
    assert batches(3, 9, 8, **published) == [[0, 1, 2, 0, 3, 4, 5, 6]]


@pytest.fixture(scope='module')
def crime(real_data, tmp_path_factory):
    """Annotation of the real UCF-Crime as prepare_dataset writes it."""
    out = tmp_path_factory.mktemp('ucf_crime')
    prepare_ucf_crime(real_data / 'ucf_crime', out)
    return out


def batches_of(name, crime, monkeypatch, epoch=0):
    """Ids of the videos of each batch of an epoch of a config."""

    class Full:
        root = 'store'

        def __contains__(self, video_id):
            return True

    monkeypatch.setattr(shared, 'FeatureStore', lambda store: Full())
    folder = Path(__file__).parents[3] / 'configs' / 'downstream'
    loader = load_config(folder / f'anomaly_{name}.py').train_dataloader
    data = DATASETS.build(dict(loader.dataset, ann_file=str(crime / 'train.txt')))
    sampler = DefaultSampler(data, seed=0)
    sampler.set_epoch(epoch)
    options = dict(loader.batch_sampler, sampler=sampler, batch_size=loader.batch_size, seed=0)
    ids = [video.video_id for video in data.videos()]
    return [[ids[index] for index in batch] for batch in DATA_SAMPLERS.build(options)]


def test_published_batches_of_mgfn(crime, monkeypatch):
    """Digest of the 50 batches that MGFN's Dataset and zipped loaders gave for its own list."""
    found = batches_of('mgfn_ucfcrime', crime, monkeypatch)
    text = json.dumps(found, separators=(',', ':'))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == 'c6f94d310c622e70'
    assert (found[0][0], found[0][16]) == ('Normal_Videos001_x264', 'Abuse001_x264')
    assert batches_of('mgfn_ucfcrime', crime, monkeypatch, epoch=7) == found


@pytest.mark.parametrize(
    'name, steps, size, normal, anomalous',
    [
        ('mgfn_ucfcrime', 50, 32, 800, 800),
        ('rtfm_ucfcrime', 25, 64, 800, 800),
        ('mil_ucfcrime', 27, 60, 800, 810),
        ('mgfn_by_score', 46, 32, 720, 729),
    ],
)
def test_videos_and_steps_of_an_epoch(crime, monkeypatch, name, steps, size, normal, anomalous):
    found = batches_of(name, crime, monkeypatch)
    assert len(found) == steps and {len(batch) for batch in found} == {size}
    kinds = [{video for batch in found for video in batch[part]} for part in _halves(size)]
    assert [len(kind) for kind in kinds] == [normal, anomalous]
    fixed = found == batches_of(name, crime, monkeypatch, epoch=1)
    assert fixed is (name == 'mgfn_ucfcrime')


def _halves(size):
    return slice(size // 2), slice(size // 2, size)
