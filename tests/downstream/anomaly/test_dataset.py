"""Items, parts and batches of annotated features; see also the tests of detection."""

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler

from albar_mm.utils.errors import DatasetError
from downstream.anomaly import dataset as module
from downstream.anomaly.dataset import AnomalyFeatureDataset, BalancedAnomalySampler
from downstream.anomaly.functional import pool_segments
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
