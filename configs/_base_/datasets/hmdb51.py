# HMDB51 split 1. Lists hold 'class/name.avi label'; val is held out of the official train list.
data_root = 'data/hmdb51'
video_root = f'{data_root}/videos'

train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=32, frame_interval=2, num_clips=1),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 256)),
    dict(type='RandomResizedCrop'),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
# One centre clip; clips shorter than 64 frames loop (MMAction2's default).
test_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=32, frame_interval=2, num_clips=1, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 256)),
    dict(type='CenterCrop', crop_size=224),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
# ALBAR's code: such clips at half the stride, in training from a random start. Read by configs/albar.
halved = dict(type='BiasSampleFrames', clip_len=32, frame_interval=2, num_clips=1, short='halve')
halved_train_pipeline = [train_pipeline[0], halved, *train_pipeline[2:]]
halved_test_pipeline = [test_pipeline[0], dict(halved, test_mode=True), *test_pipeline[2:]]

train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='RobustVideoDataset',
        ann_file=f'{data_root}/train_split1.txt',
        data_prefix=dict(video=video_root),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='StaticPairDataset',
        dataset=dict(
            type='RobustVideoDataset',
            ann_file=f'{data_root}/val_split1.txt',
            data_prefix=dict(video=video_root),
            pipeline=test_pipeline,
            test_mode=True,
        ),
    ),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='DomainBatchSampler'),
    dataset=dict(
        type='BiasBenchmarkDataset',
        iid=dict(ann_file=f'{data_root}/test_split1.txt', data_prefix=dict(video=video_root)),
        bias_root=f'{data_root}/bias',
        dataset='HMDB51',
        scuba=['places365', 'vqgan', 'stripe'],
        scufo=['places365', 'vqgan', 'stripe'],
        conflfg=['stripe'],
        num_classes=51,
        missing='skip',  # the images of vqgan were never released: test the sets that are there
        pipeline=test_pipeline,
    ),
)

val_evaluator = dict(type='StaticContrastMetric')
test_evaluator = dict(type='BiasMetric')
