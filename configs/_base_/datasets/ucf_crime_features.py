# UCF-Crime: tools/prepare_dataset.py ucf_crime writes the lists, tools/downstream.py features the
# features. All 810 + 800 training videos are trained on, as published: nothing is left to choose by.
data_root = 'data/ucf_crime'
features = 'data/ucf_crime/features'

data = dict(type='AnomalyFeatureDataset', store=features)
train_dataloader = dict(
    batch_size=32,
    num_workers=0,  # pooled videos lie in memory
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='BalancedAnomalySampler', drop_last=True),
    dataset=dict(**data, ann_file=f'{data_root}/train.txt', num_segments=32),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**data, ann_file=f'{data_root}/test.txt', test_mode=True),
)
test_evaluator = dict(type='FrameAUC')
