"""Killed by SIGKILL at random moments and resumed: bit-equal to the run that was not."""

import itertools
import os
import random
import re
import signal
import time
from functools import partial

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope

from albar_mm.compat import safe_load
from albar_mm.engine.launch import load_config
from tests.processes import PATIENCE, start_tool

_numbers = itertools.count()
EPOCHS, STEPS = 6, 6
STEP = re.compile(r'Epoch\(train\)\s+\[(\d+)\]\[\s*(\d+)/\d+\]')

CONFIG = """
default_scope = 'mmaction'
custom_imports = dict(imports=['albar_mm'], allow_failed_imports=False)
model = dict(
    type='ALBARRecognizer3D',
    backbone=dict(
        type='SwinTransformer3D', patch_size=(2, 4, 4), window_size=(2, 4, 4), out_indices=(1, ),
        arch=dict(embed_dims=8, depths=[1, 2], num_heads=[1, 2]), drop_path_rate=0.5,
        pretrained2d=False),
    cls_head=dict(type='I3DHead', in_channels=16, num_classes=2, dropout_ratio=0.5,
        average_clips='prob'),
    data_preprocessor=dict(type='StaticDataPreprocessor', mean=[128.0] * 3, std=[64.0] * 3,
        format_shape='NCTHW'))
steps = [
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
    dict(type='StaticClip', frame='random'),
]
train_pipeline = [
    dict(type='OpenCVInit'), dict(type='SampleFrames', clip_len=4, frame_interval=2),
    dict(type='OpenCVDecode'), dict(type='RandomResizedCrop')] + steps
val_pipeline = [
    dict(type='OpenCVInit'),
    dict(type='SampleFrames', clip_len=4, frame_interval=2, test_mode=True),
    dict(type='OpenCVDecode')] + steps[:1] + steps[2:4]
train_dataloader = dict(
    batch_size=4, num_workers=2, persistent_workers={persistent},
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='RobustVideoDataset', ann_file={ann_file!r}, pipeline=train_pipeline,
        data_prefix=dict(video={videos!r})))
val_dataloader = dict(
    batch_size=4, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='RobustVideoDataset', ann_file={val_file!r}, pipeline=val_pipeline,
        data_prefix=dict(video={videos!r}), test_mode=True))
val_evaluator = dict(type='AccMetric')
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs={epochs}, val_interval=1)
val_cfg = dict(type='ValLoop')
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=0.003))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=1, by_epoch=True,
        convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=1, T_max={epochs} - 1, by_epoch=True,
        convert_to_iter_based=True)]
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=1, save_best='acc/top1'))
"""


def write_config(folder, toy_videos, persistent, epochs):
    """A list of 24 clips, so that an epoch has six steps of four."""
    lines = (toy_videos / 'list.txt').read_text().splitlines()
    (folder / 'train.txt').write_text('\n'.join(lines * 3) + '\n')
    lists = dict(ann_file=str(folder / 'train.txt'), val_file=str(toy_videos / 'list.txt'))
    options = dict(videos=str(toy_videos / 'videos'), persistent=persistent, epochs=epochs)
    text = CONFIG.format(**lists, **options)
    (folder / 'config.py').write_text(text)
    return folder / 'config.py'


class Training:
    """A process that trains, data loaders and all, as ``tools/train.py`` does."""

    def __init__(self, config, work_dir, *words):
        self.printed = work_dir.with_suffix(f'.{next(_numbers)}.txt')
        words = ('train', config, '--seed', 5, '--work-dir', work_dir, *words)
        self.process = start_tool(*words, folder=config.parent, output=self.printed)

    def finish(self):
        self.process.join(PATIENCE)
        assert self.process.exitcode == 0, self.printed.read_text()[-3000:]

    def kill_at(self, step, delay):
        """SIGKILL, ``delay`` seconds after the log shows a step."""
        while self._steps_done() < step:
            assert self.process.is_alive(), f'it ended early:\n{self.printed.read_text()[-3000:]}'
            time.sleep(0.01)
        time.sleep(delay)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join()

    def _steps_done(self):
        text = self.printed.read_text() if self.printed.is_file() else ''
        done = [(int(epoch) - 1) * STEPS + int(step) for epoch, step in STEP.findall(text)]
        return max(done, default=0)


state = partial(safe_load, map_location='cpu')


def check_killed_and_resumed(folder, toy_videos, kills, persistent, epochs, seed):
    config = write_config(folder, toy_videos, persistent, epochs)
    parts, whole = folder / 'parts', folder / 'whole'
    unbroken = Training(config, whole)
    rng = random.Random(seed)
    # after the first checkpoint: before it, a resumed run is just a new one
    steps = sorted(rng.sample(range(STEPS + 1, STEPS * epochs), kills))
    moments = [(step, rng.uniform(0, 0.3)) for step in steps]
    print(f'seed {seed}: killed (step, seconds later): {moments}')
    for index, (step, delay) in enumerate(moments):
        Training(config, parts, *['--resume'] * bool(index)).kill_at(step, delay)
        for path in parts.glob('*.pth'):  # whole, whenever it was killed
            assert state(path)['state_dict']
    Training(config, parts, '--resume').finish()
    unbroken.finish()

    ours, theirs = (state(part / f'epoch_{epochs}.pth') for part in (parts, whole))
    exactly = partial(torch.testing.assert_close, rtol=0, atol=0)
    exactly(ours['state_dict'], theirs['state_dict'])
    exactly(ours['optimizer']['state'], theirs['optimizer']['state'])
    (best,), (other) = ([path.name for path in part.glob('best_*.pth')] for part in (parts, whole))
    assert other == [best]
    exactly(*(state(part / best)['state_dict'] for part in (parts, whole)))
    # what is compared must have moved
    init_default_scope('mmaction')
    torch.manual_seed(0)
    first = MODELS.build(load_config(config).model).state_dict()
    assert any(not torch.equal(first[name], value) for name, value in ours['state_dict'].items())


def test_one_kill(tmp_path, toy_videos):
    check_killed_and_resumed(tmp_path, toy_videos, kills=1, persistent=True, epochs=2, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize('persistent', [True, False])
def test_five_kills(tmp_path, toy_videos, persistent):
    check_killed_and_resumed(
        tmp_path, toy_videos, kills=5, persistent=persistent, epochs=EPOCHS, seed=2
    )
