"""A tiny reference network on the toy videos, with random weights."""

from pathlib import Path

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

SIDE = 24
MEAN, STD = (128.0, 100.0, 90.0), (64.0, 60.0, 50.0)
CONFIG = """\
default_scope = 'mmaction'
custom_imports = dict(imports=['albar_mm'], allow_failed_imports=False)
model = dict(
    type='Recognizer2D',
    backbone=dict(type='ResNet', depth=18, num_stages=1, out_indices=(0, ), strides=(1, ),
        dilations=(1, ), pretrained=None),
    cls_head=dict(type='TSNHead', num_classes={classes}, in_channels=64, dropout_ratio=0.5),
    data_preprocessor=dict(
        type='ActionDataPreprocessor', mean={mean}, std={std}, format_shape='NCHW'))
pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=1),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=({side}, {side}), keep_ratio=False),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
train_dataloader = dict(batch_size=2, num_workers=0, dataset=dict(
    type='RobustVideoDataset', ann_file={ann_file!r}, data_prefix=dict(video={videos!r}),
    pipeline=pipeline))
val_dataloader = train_dataloader
"""


def write_reference(folder: Path, toy: Path, classes: int = 2, seed: int = 0) -> tuple[Path, Path]:
    """Write a config and a checkpoint of that many classes.

    Args:
        folder: Existing folder to write to.
        toy: Folder of ``list.txt`` and ``videos``.
        classes: Number of classes.
        seed: Of the weights.
    """
    config, weights = folder / f'reference_{classes}.py', folder / f'reference_{classes}.pth'
    files = dict(ann_file=str(toy / 'list.txt'), videos=str(toy / 'videos'))
    values = dict(classes=classes, mean=list(MEAN), std=list(STD), side=SIDE)
    config.write_text(CONFIG.format(**values, **files))
    init_default_scope('mmaction')
    torch.manual_seed(seed)
    model = MODELS.build(Config.fromfile(config).model)
    nn.init.normal_(model.cls_head.fc_cls.weight, std=0.5)
    torch.save(dict(state_dict=model.state_dict(), meta={}), weights)
    return config, weights
