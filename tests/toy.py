"""Tiny videos and a tiny config made of MMAction2's own parts, for runs of a second or two."""

from pathlib import Path

import numpy as np

from .video_files import write_frames

FRAMES, SIDE = 12, 64

CONFIG = """\
default_scope = 'mmaction'
custom_imports = dict(imports=['albar_mm'], allow_failed_imports=False)
model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3d', depth=18, base_channels=4, pretrained=None, pretrained2d=False,
        conv1_kernel=(1, 3, 3), norm_eval=False, zero_init_residual=False),
    cls_head=dict(type='I3DHead', in_channels=32, num_classes=2, dropout_ratio=0.0,
        average_clips='prob'),
    data_preprocessor=dict(
        type='ActionDataPreprocessor', mean=[128.0] * 3, std=[64.0] * 3, format_shape='NCTHW'))
pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=4, frame_interval=2, num_clips=1, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
loader = dict(
    batch_size=2, num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='VideoDataset', ann_file='list.txt', data_root={root!r},
        data_prefix=dict(video='videos'), pipeline=pipeline))
train_dataloader = dict(loader, sampler=dict(type='DefaultSampler', shuffle=True))
val_dataloader = test_dataloader = loader
val_evaluator = test_evaluator = dict(type='AccMetric')
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=0.01))
param_scheduler = [dict(type='MultiStepLR', milestones=[1], by_epoch=True)]
auto_scale_lr = dict(enable=False, base_batch_size=2)
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(type='CheckpointHook', interval=1))
"""


def write_toy_videos(root: Path) -> Path:
    """Eight videos: a bright square that moves right (class 0) or left (class 1).

    Args:
        root: Existing folder; gets ``videos/*.mp4`` and ``list.txt``.
    """
    lines = []
    for index in range(8):
        name, label = f'clip_{index}.mp4', index % 2
        frames = np.full((FRAMES, SIDE, SIDE, 3), 20 * index, np.uint8)
        for t, frame in enumerate(frames if label == 0 else frames[::-1]):
            frame[24:40, 4 * t : 4 * t + 16] = 255
        write_frames(root / 'videos' / name, frames, 'mp4v', SIDE)
        lines.append(f'{name} {label}')
    (root / 'list.txt').write_text('\n'.join(lines) + '\n')
    return root


def write_toy_config(path: Path, videos: Path) -> Path:
    """Write the toy config.

    Args:
        path: File to write.
        videos: What :func:`write_toy_videos` returned.
    """
    path.write_text(CONFIG.replace('{root!r}', repr(str(videos))))
    return path
