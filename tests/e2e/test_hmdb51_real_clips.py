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


@pytest.mark.real_data
@pytest.mark.parametrize('reduced', [True, pytest.param(False, marks=pytest.mark.slow)])
def test_three_steps(real_data, tmp_path, reduced):
    """Swin-T, 32 x 224 x 224, batch 1: about 14 GB and some minutes on two cores.

    Reduced (for tests only): a narrow Swin on 8 frames of 56 x 56 px.
    """
    root = real_data / 'hmdb51_jhmdb21'
    with (root / 'index.csv').open() as stream:
        rows = [r for r in csv.DictReader(stream) if r['hmdb51_split1'] == 'train']
    classes = sorted({row['class'] for row in rows})
    lines = [
        f'{row["class"]}/{row["video"]}.avi {classes.index(row["class"])}\n' for row in rows[::40]
    ]
    (tmp_path / 'train.txt').write_text(''.join(lines))
    cfg = load_config(CONFIGS / 'albar_hmdb51.py', {'load_from': None, 'train_cfg.max_epochs': 1})
    cfg.default_hooks.checkpoint.interval, cfg.default_hooks.logger.interval = -1, 1
    cfg.train_dataloader.update(batch_size=1, num_workers=0, persistent_workers=False)
    prefix = dict(video=str(root / 'videos'))
    files = dict(ann_file=str(tmp_path / 'train.txt'), data_prefix=prefix)
    cfg.train_dataloader.dataset.update(files, indices=3)
    if reduced:
        arch = dict(embed_dims=24, depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 8])
        cfg.model.backbone.update(arch=arch, window_size=(4, 7, 7))
        cfg.model.cls_head.in_channels = 192
        for step in cfg.train_dataloader.dataset.pipeline:
            if step.type == 'SampleFrames':
                step.clip_len = 8
            if step.type == 'Resize':
                step.scale = (64, 64) if step.scale == (-1, 256) else (56, 56)
                step.keep_ratio = False
    runner = train(cfg, work_dir=str(tmp_path / 'run'), no_validate=True)
    assert runner.iter == 3
    terms = ('loss_cls', *(f'loss_static_{term}' for term in ('adv', 'ent', 'gp')))
    for key in ('loss', *terms, 'static_penalty'):
        values = runner.message_hub.get_scalar(f'train/{key}').data[0]
        assert len(values) == 3 and np.isfinite(values).all(), key
    assert (values > 0).all()
    assert all(torch.isfinite(p).all() for p in runner.model.parameters())
    if not reduced:
        init_default_scope('mmaction')
        stock = MODELS.build(load_config(CONFIGS / 'erm_hmdb51.py').model)
        assert runner.model.state_dict().keys() == stock.state_dict().keys()
