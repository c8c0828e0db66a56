# A reference network for real HMDB51 clips, from scratch, sized for two CPU cores.
_base_ = [
    '../../_base_/models/resnet18_reference.py',
    '../../_base_/datasets/jhmdb21.py',
    '../../_base_/schedules/sgd_50e_reference.py',
    '../../_base_/runtime/default.py',
]

train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=1),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='RandomCrop', size=56),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
test_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=1, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(56, 56), keep_ratio=False),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs'),
]
model = dict(cls_head=dict(num_classes=21))
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(_base_.val_dataloader.dataset.dataset, _delete_=True, pipeline=test_pipeline)
)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_evaluator = dict(type='AccMetric', _delete_=True)
train_cfg = dict(val_begin=1, val_interval=5)
val_cfg = dict(type='ValLoop')
optim_wrapper = dict(optimizer=dict(lr=0.05))
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(
    logger=dict(interval=8), checkpoint=dict(save_best=None, rule=None, max_keep_ckpts=1)
)
