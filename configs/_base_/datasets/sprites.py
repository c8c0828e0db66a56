# motion_sprites: tools/prepare_dataset.py motion_sprites writes it.
data_root = 'data/motion_sprites'

train_pipeline = [
    dict(type='OpenCVInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=1, num_clips=1),
    dict(type='OpenCVDecode'),
    dict(type='RandomResizedCrop', area_range=(0.6, 1.0)),
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
test_pipeline = [
    dict(type='OpenCVInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=1, num_clips=1, test_mode=True),
    dict(type='OpenCVDecode'),
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='RobustVideoDataset',
        ann_file=f'{data_root}/train.txt',
        data_prefix=dict(video=data_root),
        pipeline=train_pipeline,
    ),
)
# Held out of train; every clip comes with its own static clip.
val_dataloader = dict(
    batch_size=64,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='StaticPairDataset',
        dataset=dict(
            type='RobustVideoDataset',
            ann_file=f'{data_root}/val.txt',
            data_prefix=dict(video=data_root),
            pipeline=test_pipeline,
            test_mode=True,
        ),
    ),
)
test_dataloader = dict(
    batch_size=64,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='DomainBatchSampler'),
    dataset=dict(
        type='BiasBenchmarkDataset',
        iid=dict(ann_file=f'{data_root}/test.txt', data_prefix=dict(video=data_root)),
        bias_root=data_root,
        dataset='SPRITES',
        scuba=['scene', 'texture', 'stripe'],
        scufo=['scene', 'texture', 'stripe'],
        conflfg=['stripe'],
        num_classes=8,
        pipeline=test_pipeline,
    ),
)

val_evaluator = dict(type='StaticContrastMetric')
test_evaluator = dict(type='BiasMetric')
