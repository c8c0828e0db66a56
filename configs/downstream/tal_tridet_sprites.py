# The embedded job of tools/downstream.py tal: a small TriDet, seconds on a CPU.
_base_ = 'tal_tridet_thumos14.py'

ann_file = 'data/tal_sprites/segments.json'
features = 'work_dirs/tal/features'
ranges = ((0, 4), (4, 8), (8, 10000))
data = dict(ann_file=ann_file, store=features)
model = dict(
    data_preprocessor=dict(max_len=64, divisor=4, noise=0.0),
    projection=dict(in_channels=32, channels=64),
    backbone=dict(channels=64, hidden=96, windows=(1, 1)),
    head=dict(in_channels=64, num_classes=4, bins=12, ranges=ranges, start_normaliser=20.0),
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(**data, max_len=64, part='train'),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='SegmentFeatureDataset', **data, subset='validation', part='val', test_mode=True
    ),
)
test_dataloader = dict(num_workers=0, dataset=data)
val_evaluator = dict(type='TemporalMAP', prefix='val', false_positives=False)
val_cfg = dict(type='ValLoop')
train_cfg = dict(max_epochs=30, val_interval=5)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-12, begin=0, end=5, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-8,
        begin=5,
        end=30,
        T_max=25,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(checkpoint=dict(interval=30, save_best='val/mAP', rule='greater'))
custom_hooks = [
    dict(type='EMAHook', momentum=0.01, priority='ABOVE_NORMAL'),
    dict(type='ResultsHook'),
    dict(type='ReseedHook'),
    dict(type='EpochResumeHook'),
]
