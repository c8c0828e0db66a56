"""No single frame of ``motion_sprites`` tells the class, through codec and cropping.

The published sizes and the shipped network, trained on clips of one frame. The biased training
set is the control: there the same classifier must succeed, else its failure would say nothing.
"""

from pathlib import Path

import pytest

from albar_mm.datasets.motion_sprites.builder import build_motion_sprites
from albar_mm.engine.launch import load_config, train

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
CHANCE = 100 / 8


def single_frame_top1(root, split, work_dir):
    """Last validation top-1 (percent) of the shipped network on one frame per clip."""
    options = {'train_cfg.val_begin': 6, 'train_cfg.val_interval': 6}
    options['model.backbone.with_pool2'] = False  # it halves the number of frames
    cfg = load_config(str(CONFIGS / 'erm_sprites.py'), options)
    held_out = cfg.val_dataloader.dataset.dataset
    parts = dict(train=cfg.train_dataloader.dataset, val=held_out)
    for part, dataset in parts.items():
        dataset.ann_file = str(root / f'{part}{split}.txt')
        dataset.data_prefix = dict(video=str(root))
        for step in dataset.pipeline:
            if step.type == 'SampleFrames':
                step.clip_len = 1
    runner = train(cfg, work_dir=str(work_dir), seed=0)
    return runner.message_hub.get_scalar('val/val/top1').current()


@pytest.mark.slow
def test_a_single_frame_tells_the_class_only_where_the_bias_does(tmp_path):
    sprites = build_motion_sprites(tmp_path / 'motion_sprites')
    assert single_frame_top1(sprites, '', tmp_path / 'biased') >= 85
    assert single_frame_top1(sprites, '_unbiased', tmp_path / 'unbiased') <= CHANCE + 5
