"""Configs of the transfers: they build, take features of any width, and never choose by tests."""

from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope
from mmengine.structures import BaseDataElement

from albar_mm.engine.launch import load_config
from downstream.anomaly.jobs import config_for
from tests.downstream.anomaly.toy import CHANNELS, write_oracle

FOLDER = Path(__file__).parents[2] / 'configs' / 'downstream'
DETECTORS = sorted(path.name for path in FOLDER.glob('anomaly_*.py'))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_oracle(tmp_path_factory.mktemp('oracle'), videos=4)


@pytest.mark.parametrize('name', DETECTORS)
def test_a_checkpoint_is_chosen_on_held_out_training_videos(name):
    cfg = load_config(FOLDER / name)
    train, val, test = (cfg[f'{part}_dataloader'].dataset for part in ('train', 'val', 'test'))
    assert (train.part, val.part) == ('train', 'val')
    for option in ('ann_file', 'store', 'val_share'):
        assert train[option] == val[option]
    assert test.ann_file != train.ann_file and 'part' not in test
    assert cfg.default_hooks.checkpoint.save_best == 'val/video_auc'
    assert len(cfg.filename) and len((FOLDER / name).read_text().splitlines()) <= 40


@pytest.mark.parametrize('name', DETECTORS)
def test_detectors_step_on_features_of_any_width(name, folder):
    """Also what config_for writes: the width, and how features were made."""
    init_default_scope('mmaction')
    cfg = config_for(FOLDER / name, folder / 'store', 'train.txt', 'test.txt')
    assert cfg.feature_settings['sampling']['stride'] == 8
    assert cfg.val_dataloader.dataset.ann_file == 'train.txt'
    model = MODELS.build(cfg.model)
    samples = [BaseDataElement(gt_label=torch.tensor(label)) for label in (0, 1)]
    losses = model(torch.randn(2, 1, 32, CHANNELS), samples, mode='loss')
    sum(losses.values()).backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_the_encoder_of_surveillance_clips():
    init_default_scope('mmaction')
    cfg = load_config(FOLDER / 'encoder_cctv.py')
    assert MODELS.build(cfg.model).cls_head.num_classes == 2
    assert cfg.val_dataloader is None
    assert cfg.train_dataloader.dataset.ann_file.endswith('clips_train.txt')
    assert cfg.test_dataloader.dataset.iid.ann_file.endswith('clips_test.txt')
