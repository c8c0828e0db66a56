# THUMOS14: tools/prepare_dataset.py thumos14 checks the annotation, tools/downstream.py features
# makes the features. Training videos are its validation set, as everywhere.
ann_file = 'data/thumos14/thumos14.json'
features = 'data/thumos14/features'

data = dict(type='SegmentFeatureDataset', ann_file=ann_file, store=features)
train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**data, subset='validation', max_len=2304, crop_ratio=(0.9, 1.0)),
)
test_dataloader = dict(
    batch_size=1,  # scores depend on the padding: every video has its own
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**data, subset='test', test_mode=True),
)
test_evaluator = dict(type='TemporalMAP')
