"""A misspelt setting on the command line is refused; one that a class takes is not."""

import pytest
from mmengine.config import Config

from albar_mm.compat.load_config import load_config
from albar_mm.utils.errors import LaunchError

SPRITES, HMDB51 = 'configs/albar_sprites.py', 'configs/albar_hmdb51.py'
KNOWN = {
    SPRITES: [
        'optim_wrapper.optimizer.lr=2',
        'optim_wrapper.accumulative_counts=2',
        'optim_wrapper.paramwise_cfg.norm_decay_mult=0',
        'train_dataloader.persistent_workers=False',
        'train_dataloader.dataset.indices=40',
        'train_dataloader.dataset.data_prefix.audio=x',
        'train_dataloader.dataset.pipeline.0.num_threads=2',
        'train_dataloader.sampler.type=InfiniteSampler train_dataloader.sampler.seed=1',
        'model.backbone.frozen_stages=1',
        'model.static.norm=running',
        'train_cfg.val_interval=3',
        'default_hooks.checkpoint.max_keep_ckpts=1',
        'default_hooks.mine.type=IterTimerHook',
        'find_unused_parameters=True compile=True load_from=x.pth resume=True',
        'randomness.deterministic=True env_cfg.resource_limit=9 auto_scale_lr.enable=True',
        'param_scheduler.0.by_epoch=False param_scheduler.0.convert_to_iter_based=True',
    ],
    'configs/_base_/datasets/bias_hmdb51_published.py': [
        'test_evaluator.first_frame=1',
        "test_dataloader.dataset.leave_out=['a']",
    ],
}
UNKNOWN = {
    'optim_wraper.optimizer.lr=2': "the config has no setting 'optim_wraper' (did you mean 'optim_",
    'load_form=x.pth': "(did you mean 'load_from'?)",
    'optim_wrapper.optimzer.lr=2': "optim_wrapper has no setting 'optimzer' (did you mean 'optimiz",
    'optim_wrapper.optimizer.nestrov=True': "optim_wrapper.optimizer (AdamW) has no setting 'nest",
    'train_dataloader.batchsize=2': "train_dataloader has no setting 'batchsize' (did you mean 'ba",
    'train_dataloader.dataset.index=3': "(RobustVideoDataset) has no setting 'index' (did you mean",
    'model.backbone.dept=18': "model.backbone (ResNet3d) has no setting 'dept' (did you mean 'dept",
    'model.static.losses.0.weigth=1': "(did you mean 'weight'?)",
    'test_evaluator.first_frame=1': "test_evaluator (BiasMetric) has no setting 'first_frame'",
    'train_cfg.max_epoch=3': "train_cfg (EpochBasedTrainLoop) has no setting 'max_epoch'",
    'default_hooks.checkpoint.max_keep_ckpt=1': "(did you mean 'max_keep_ckpts'?)",
    'randomness.sed=3': "randomness has no setting 'sed' (did you mean 'seed'?)",
    'param_scheduler.0.gamma=0.2': "param_scheduler.0 (LinearLR) has no setting 'gamma'",
    'train_dataloader.dataset.pipeline.3.area_rang=2': "(did you mean 'area_range'?)",
}


@pytest.mark.parametrize(
    ('config', 'options'), [(config, text) for config, texts in KNOWN.items() for text in texts]
)
def test_what_is_read_is_taken(config, options):
    load_config(config, options.split())


@pytest.mark.parametrize(('option', 'said'), UNKNOWN.items())
def test_a_slip_is_named_with_what_was_meant(option, said):
    with pytest.raises(LaunchError) as raised:
        load_config(SPRITES, [option])
    message = str(raised.value)
    assert message.startswith(f'--cfg-options {option.partition("=")[0]}: ') and said in message


def test_classes_in_place_of_names_and_foreign_types():
    from torch.optim import SGD

    cfg = Config(dict(optim_wrapper=dict(optimizer=dict(type=SGD)), model=dict(type='Unknown')))
    load_config(cfg, {'optim_wrapper.optimizer.momentum': 0.9, 'model.anything': 1})
    with pytest.raises(LaunchError, match=r"optimizer \(SGD\) has no setting 'momentun' .did you"):
        load_config(cfg, {'optim_wrapper.optimizer.momentun': 0.9})
