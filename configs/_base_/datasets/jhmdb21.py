# Real HMDB51 clips (15 to 40 frames): tools/prepare_dataset.py jhmdb21 writes the lists.
# Test: the official HMDB51 split-1 test clips of these classes. decord, as OpenCV takes these files
# for a fifth longer than they are.
data_root = 'data/jhmdb21'
video_root = f'{data_root}/videos'

train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=3, num_clips=1),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 64)),
    dict(type='RandomResizedCrop', area_range=(0.4, 1.0)),
    dict(type='Resize', scale=(56, 56), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
test_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=3, num_clips=1, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 64)),
    dict(type='CenterCrop', crop_size=56),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='RobustVideoDataset',
        ann_file=f'{data_root}/train_split1.txt',
        data_prefix=dict(video=video_root),
        num_classes=21,
        pipeline=train_pipeline,
    ),
)
# Held out of train; every clip comes with its own static clip.
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='StaticPairDataset',
        dataset=dict(
            type='RobustVideoDataset',
            ann_file=f'{data_root}/val_split1.txt',
            data_prefix=dict(video=video_root),
            num_classes=21,
            pipeline=test_pipeline,
            test_mode=True,
        ),
    ),
)
# No OOD set: name those that were made from these clips in scuba, scufo and conflfg.
test_dataloader = dict(
    batch_size=32,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='DomainBatchSampler'),
    dataset=dict(
        type='BiasBenchmarkDataset',
        iid=dict(ann_file=f'{data_root}/test_split1.txt', data_prefix=dict(video=video_root)),
        bias_root=f'{data_root}/bias',
        dataset='JHMDB21',
        scuba=[],
        scufo=[],
        conflfg=[],
        num_classes=21,
        pipeline=test_pipeline,
    ),
)

val_evaluator = dict(type='StaticContrastMetric')
test_evaluator = dict(type='BiasMetric')
