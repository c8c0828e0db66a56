"""A training that goes on ends as one that was not interrupted: average and normaliser too."""

import torch
from mmengine.runner.checkpoint import CheckpointLoader

from albar_mm.engine.launch import train
from downstream.tal.jobs import config_for

from .test_oracle import CONFIG
from .toy import write_oracle


def trained(folder, work_dir, epochs):
    options = {
        'train_cfg.max_epochs': epochs,
        'train_cfg.val_interval': 100,
        'default_hooks.checkpoint.interval': 1,
    }
    files = folder / 'store', str(folder / 'segments.json')
    cfg = config_for(CONFIG, *files, options=options)
    train(cfg, work_dir=str(work_dir), seed=0, resume='auto')
    return CheckpointLoader.load_checkpoint(str(work_dir / f'epoch_{epochs}.pth'), 'cpu')


def test_interrupted_after_an_epoch(tmp_path):
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
