# UCF-Crime: tools/prepare_dataset.py ucf_crime writes the lists, tools/downstream.py features the
# features.
data_root = 'data/ucf_crime'
features = 'data/ucf_crime/features'

# A tenth of each kind of training video is held out to choose a checkpoint by; never a test video.
train_set = dict(
    type='AnomalyFeatureDataset', ann_file=f'{data_root}/train.txt', store=features, val_share=0.1
)
train_dataloader = dict(
    batch_size=32,
    num_workers=0,  # pooled videos lie in memory
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='BalancedAnomalySampler'),
    dataset=dict(**train_set, part='train', num_segments=32),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**train_set, part='val', test_mode=True),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='AnomalyFeatureDataset',
        ann_file=f'{data_root}/test.txt',
        store=features,
        test_mode=True,
    ),
)

val_evaluator = dict(type='FrameAUC', frames=False, prefix='val')
test_evaluator = dict(type='FrameAUC')
