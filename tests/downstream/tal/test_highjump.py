"""TriDet in its published size on the one real video with its published features."""

import json
from pathlib import Path

import numpy as np
import pytest

from downstream.detection.runs import last_weights
from downstream.features.time_grid import TimeGrid
from downstream.tal.jobs import run_on_features
from downstream.tal.ranking import temporal_iou

from .toy import entry, make_store, write_json

CONFIG = Path(__file__).resolve().parents[3] / 'configs/downstream/tal_tridet_thumos14.py'
TRUTH = (8.86, 15.01)
#: One video has one step an epoch: 50 steps at ten times the published rate, weights averaged over
#: few of them. The network and its input (2304 x 2048) are as published.
STEPS = {
    'train_dataloader.batch_size': 1,
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'test_dataloader.num_workers': 0,
    'train_cfg.max_epochs': 50,
    'optim_wrapper.optimizer.lr': 1e-3,
    'custom_hooks.0.momentum': 0.2,
    'default_hooks.checkpoint.interval': 50,
    'param_scheduler.0.end': 10,
    'param_scheduler.1.begin': 10,
    'param_scheduler.1.end': 50,
    'param_scheduler.1.T_max': 40,
}


@pytest.mark.slow
@pytest.mark.real_data
def test_the_high_jump_is_found(real_data, tmp_path):
    features = np.load(real_data / 'thumos14/sample_features/highjump.npy', allow_pickle=False)
    assert features.shape == (164, 2048)
    grid = TimeGrid(164, 4, 8.0, 720, 30.0)
    store, database = make_store(tmp_path / 'store'), {}
    for name, subset in (('highjump', 'Validation'), ('highjump_again', 'Test')):
        store.put(name, features, grid)
        database[name] = entry(subset, 24.0, [(*TRUTH, 'HighJump')])
    annotation = write_json(tmp_path / 'segments.json', database)
    options = {**STEPS, 'test_evaluator.out_file': str(tmp_path / 'found.json')}
    run_on_features(*map(str, (CONFIG, store.root, annotation, tmp_path / 'work')), options=options)
    assert last_weights(tmp_path / 'work', 'detector', 0).endswith('epoch_50.pth')
    best = json.loads((tmp_path / 'found.json').read_text())['results']['highjump_again'][0]
    iou = temporal_iou(np.array([best['segment']]), np.array([TRUTH])).item()
    print(f'found {best}, tIoU {iou:.3f}')
    assert best['label'] == 'HighJump' and iou >= 0.8
