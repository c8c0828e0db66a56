"""``configs/albar_hmdb51.py`` on real HMDB51 clips."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope

from albar_mm.engine.launch import load_config, train

CONFIGS = Path(__file__).parents[2] / 'configs'


def settings(real_data, tmp_path, **extra):
    root = real_data / 'hmdb51_jhmdb21'
    with (root / 'index.csv').open() as stream:
        rows = [r for r in csv.DictReader(stream) if r['hmdb51_split1'] == 'train']
    classes = sorted({row['class'] for row in rows})
    lines = [
        f'{row["class"]}/{row["video"]}.avi {classes.index(row["class"])}' for row in rows[::40]
    ]
    (tmp_path / 'train.txt').write_text('\n'.join(lines) + '\n')
    return {
        'load_from': None,
        'train_cfg.max_epochs': 1,
        'train_dataloader.batch_size': 1,
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
        'train_dataloader.dataset.ann_file': str(tmp_path / 'train.txt'),
        'train_dataloader.dataset.data_prefix.video': str(root / 'videos'),
        'train_dataloader.dataset.indices': 3,
        'default_hooks.checkpoint.interval': -1,
        'default_hooks.logger.interval': 1,
        **extra,
    }


def check_three_steps(runner, cfg):
    assert runner.iter == 3
    history = {
        key: np.asarray(scalar.data[0] if isinstance(scalar.data, tuple) else scalar.data)
        for key, scalar in runner.message_hub.log_scalars.items()
    }
    for key in (
        'loss',
        'loss_cls',
        'loss_static_adv',
        'loss_static_ent',
        'loss_static_gp',
        'static_penalty',
    ):
        values = history[f'train/{key}']
        assert len(values) == 3 and np.isfinite(values).all(), key
    assert (history['train/static_penalty'] > 0).all()
    init_default_scope('mmaction')
    assert all(torch.isfinite(p).all() for p in runner.model.parameters())
    assert (
        runner.model.state_dict().keys()
        == MODELS.build(load_config(CONFIGS / 'erm_hmdb51.py').model).state_dict().keys()
    )


@pytest.mark.slow
@pytest.mark.real_data
def test_three_steps_at_full_size(real_data, tmp_path):
    """Swin-T, 32 x 224 x 224, batch 1; about 14 GB and some minutes on two cores."""
    cfg = load_config(CONFIGS / 'albar_hmdb51.py', settings(real_data, tmp_path))
    runner = train(cfg, work_dir=str(tmp_path / 'run'), no_validate=True)
    check_three_steps(runner, cfg)


@pytest.mark.real_data
def test_three_steps_at_reduced_size(real_data, tmp_path):
    """The same on 8 frames of 56 x 56 px with a narrow Swin (reduced for tests only)."""
    cfg = load_config(CONFIGS / 'albar_hmdb51.py', settings(real_data, tmp_path))
    cfg.model.backbone.update(
        arch=dict(embed_dims=24, depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 8]), window_size=(4, 7, 7)
    )
    cfg.model.cls_head.in_channels = 192
    for step in cfg.train_dataloader.dataset.pipeline:
        if step.type == 'SampleFrames':
            step.clip_len = 8
        if step.type == 'Resize':
            step.scale = (64, 64) if step.scale == (-1, 256) else (56, 56)
            step.keep_ratio = False
    runner = train(cfg, work_dir=str(tmp_path / 'run'), no_validate=True)
    init_default_scope('mmaction')
    assert runner.iter == 3
    values = runner.message_hub.get_scalar('train/loss').data[0]
    assert len(values) == 3 and np.isfinite(values).all()
