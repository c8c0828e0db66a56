"""The real runner on features that show the truth, on labels that say nothing, on a wrong grid."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader

from albar_mm.engine.launch import train
from albar_mm.utils.errors import LaunchError
from downstream.detection.runs import last_weights, open_detector
from downstream.features.store import FeatureStore
from downstream.features.time_grid import TimeGrid
from downstream.tal.annotations import read_annotation
from downstream.tal.jobs import config_for, detect_actions, run_on_features
from downstream.tal.ranking import Segments, temporal_iou
from downstream.tal.scores import temporal_map

from .toy import entry, make_store, write_json, write_oracle

CONFIG = Path(__file__).resolve().parents[3] / 'configs/downstream/tal_tridet_sprites.py'
PUBLISHED = CONFIG.with_name('tal_tridet_thumos14.py')
#: Validated once, for tests only: 180 steps of 8 videos.
QUICK = {'train_cfg.val_interval': 30}


def scores(folder, work_dir, config=CONFIG, **options):
    files = str(folder / 'store'), str(folder / 'segments.json')
    run_on_features(str(config), *files, str(work_dir), options={**QUICK, **options})
    ((record,),) = json.loads((Path(work_dir) / 'results.json').read_text())['rows'].values()
    return record


@pytest.fixture(scope='module')
def oracle(tmp_path_factory):
    folder = write_oracle(tmp_path_factory.mktemp('oracle'))
    return folder, scores(folder, folder / 'work')


def mean_average_precision(folder, store):
    """mAP at 0.5 and 0.7 of the last weights on the features of a store."""
    _, model = open_detector(last_weights(folder / 'work', 'detector', 0))
    truth, found = [], []
    for video in read_annotation(folder / 'segments.json').of('test'):
        name, features = video.video_id, store.load(video.video_id)
        hits = detect_actions(model, name, features, store.grid(name), video.duration_s)
        truth.append(([name] * len(video.labels), video.segments, video.labels))
        found.append(([name] * len(hits.labels), hits.segments, hits.labels, hits.scores))
    segments = (Segments(*map(np.concatenate, zip(*rows, strict=True))) for rows in (truth, found))
    return temporal_map(*segments, [0.5, 0.7]).at


def test_oracle_features_and_a_grid_that_is_off_by_half_a_window(oracle, capsys, tmp_path):
    folder, record = oracle
    assert record['metrics']['tal/mAP'] >= 90
    assert record['metrics_best']['tal/mAP'] >= 90 and record['metrics']['tal/mAP@0.7'] > 70
    assert record['metrics']['tal/recall@5x@0.5'] > 95
    assert (folder / 'work/timelines.png').stat().st_size > 10_000
    before = json.loads((folder / 'work/results.json').read_text())
    assert scores(folder, folder / 'work') == record  # nothing is repeated
    assert json.loads((folder / 'work/results.json').read_text()) == before
    text = capsys.readouterr().out
    assert 'train: 48 videos, ' in text and 'val: 12 videos, ' in text
    assert 'last weights' in text and 'chosen on held-out training videos' in text
    with pytest.raises(LaunchError, match='holds a run of other settings'):
        scores(folder, folder / 'work', **{'model.head.radius': 2.0})
    folder, record = oracle
    right = mean_average_precision(folder, FeatureStore(folder / 'store'))
    assert 100 * right[1] == pytest.approx(record['metrics']['tal/mAP@0.7'], abs=0.01)
    write_oracle(tmp_path, shift=8)
    wrong = mean_average_precision(folder, FeatureStore(tmp_path / 'store'))
    assert wrong[1] < right[1] - 0.3 and wrong[0] < right[0]


def test_shuffled_labels(tmp_path):
    """Ten classes; with the true labels so few videos give 51."""
    folder = write_oracle(tmp_path, 30, 20, classes=10, shuffled=True)
    assert scores(folder, folder / 'work')['metrics']['tal/mAP'] <= 10


@pytest.mark.slow
def test_actionformer_learns_too(tmp_path):
    """The second detector on the same parts, at the embedded size."""
    folder = write_oracle(tmp_path)
    config = tmp_path / 'actionformer.py'
    config.write_text(f"""_base_ = {str(CONFIG)!r}
model = dict(
    data_preprocessor=dict(max_len=96, divisor=24),
    backbone=dict(_delete_=True, type='TransformerPyramid', channels=64, heads=4, hidden=128,
                  window=7, branch=2),
    head=dict(_delete_=True, type='ActionFormerHead', in_channels=64, num_classes=3,
              ranges=((0, 4), (4, 8), (8, 10000)), start_normaliser=20.))
""")
    record = scores(folder, tmp_path / 'work', config)
    assert record['metrics']['tal/mAP'] >= 80


def trained(folder, work_dir, epochs):
    options = {'train_cfg.max_epochs': epochs, 'train_cfg.val_interval': 100}
    options['default_hooks.checkpoint.interval'] = 1
    files = folder / 'store', str(folder / 'segments.json')
    cfg = config_for(CONFIG, *files, options=options)
    train(cfg, work_dir=str(work_dir), seed=0, resume='auto')
    return CheckpointLoader.load_checkpoint(str(work_dir / f'epoch_{epochs}.pth'), 'cpu')


def test_interrupted_after_an_epoch(tmp_path):
    """A training that goes on ends as one that was not interrupted: average, normaliser too."""
    folder = write_oracle(tmp_path, 24, 2)
    wanted = trained(folder, tmp_path / 'whole', 2)
    trained(folder, tmp_path / 'parts', 1)
    found = trained(folder, tmp_path / 'parts', 2)
    for part in ('state_dict', 'ema_state_dict'):
        assert found[part].keys() == wanted[part].keys()
        for name, value in wanted[part].items():
            assert torch.equal(found[part][name], value), (part, name)
    assert wanted['state_dict']['head.normaliser.value'] != 20
    # what is saved first is the average, which is tested
    name = 'head.cls_head.out.weight'
    assert not torch.equal(wanted['state_dict'][name], wanted['ema_state_dict'][f'module.{name}'])


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
    """TriDet in its published size on the one real video with its published features."""
    features = np.load(real_data / 'thumos14/sample_features/highjump.npy', allow_pickle=False)
    grid = TimeGrid(164, 4, 8.0, 720, 30.0)
    store, database = make_store(tmp_path / 'store'), {}
    for name, subset in (('highjump', 'Validation'), ('highjump_again', 'Test')):
        store.put(name, features, grid)
        database[name] = entry(subset, 24.0, [(*TRUTH, 'HighJump')])
    annotation = write_json(tmp_path / 'segments.json', database)
    options = {**STEPS, 'test_evaluator.out_file': str(tmp_path / 'found.json')}
    run_on_features(
        *map(str, (PUBLISHED, store.root, annotation, tmp_path / 'work')), options=options
    )
    assert last_weights(tmp_path / 'work', 'detector', 0).endswith('epoch_50.pth')
    best = json.loads((tmp_path / 'found.json').read_text())['results']['highjump_again'][0]
    iou = temporal_iou(np.array([best['segment']]), np.array([TRUTH])).item()
    print(f'found {best}, tIoU {iou:.3f}')
    assert best['label'] == 'HighJump' and iou >= 0.8
