# A reference network for motion_sprites, from scratch: under a minute on two CPU cores.
_base_ = [
    '../../_base_/models/resnet18_reference.py',
    '../../_base_/datasets/sprites.py',
    '../../_base_/schedules/sgd_50e_reference.py',
    '../../_base_/runtime/default.py',
]

train_pipeline = [
    dict(type='OpenCVInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=1),
    dict(type='OpenCVDecode'),
    dict(type='Resize', scale=(36, 36), keep_ratio=False),
    dict(type='RandomCrop', size=32),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
test_pipeline = [
    dict(type='OpenCVInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=1, test_mode=True),
    dict(type='OpenCVDecode'),
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(_base_.val_dataloader.dataset.dataset, _delete_=True, pipeline=test_pipeline)
)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_evaluator = dict(type='AccMetric', _delete_=True)

train_cfg = dict(max_epochs=4, val_begin=1, val_interval=5)
val_cfg = dict(type='ValLoop')
optim_wrapper = dict(optimizer=dict(lr=0.1))
param_scheduler = [dict(type='MultiStepLR', begin=0, end=4, by_epoch=True, milestones=[2, 3])]
auto_scale_lr = dict(base_batch_size=32)
default_hooks = dict(checkpoint=dict(save_best=None, rule=None, max_keep_ckpts=1))
