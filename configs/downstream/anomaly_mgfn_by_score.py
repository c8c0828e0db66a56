# MGFN that keeps the moment (docs/anomaly.md): what differs from the published settings, and why.
_base_ = 'anomaly_mgfn_ucfcrime.py'

# The snippets of highest score stand for a video. Published: those of largest magnitude among a
# random 30 %, most of which do not show the anomaly; training on them unlearns it.
model = dict(head=dict(select='score', dropout=0.0))
# Published: 1e-3, at which a training in ten loses some of it.
optim_wrapper = dict(optimizer=dict(lr=3e-4))

# A tenth of each kind of training video is held out to choose a checkpoint by; never a test video.
# The others are shuffled, and all are used. Published: no such part, and the order of the list.
train_set = dict(
    type='AnomalyFeatureDataset',
    ann_file=f'{_base_.data_root}/train.txt',
    store=_base_.features,
    val_share=0.1,
)
train_dataloader = dict(
    batch_sampler=dict(order='shuffled', drop_last=False),
    dataset=dict(**train_set, part='train'),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**train_set, part='val', test_mode=True),
)
val_evaluator = dict(type='FrameAUC', frames=False, prefix='val')
val_cfg = dict(type='ValLoop')
train_cfg = dict(val_interval=10)
default_hooks = dict(checkpoint=dict(save_best='val/video_auc', rule='greater'))
