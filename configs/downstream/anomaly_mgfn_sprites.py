# The embedded job of tools/downstream.py anomaly: a small MGFN, seconds on a CPU.
_base_ = 'anomaly_mgfn_ucfcrime.py'

data_root = 'data/anomaly_sprites'
features = 'work_dirs/anomaly/features'
train_set = dict(ann_file=f'{data_root}/train.txt', store=features, val_share=0.2)

model = dict(
    backbone=dict(in_channels=32, channels=(32, 64, 128), depths=(1, 1, 1), head_channels=32),
    head=dict(in_channels=128))
train_dataloader = dict(dataset=train_set)
val_dataloader = dict(dataset=train_set)
test_dataloader = dict(dataset=dict(ann_file=f'{data_root}/test.txt', store=features))
train_cfg = dict(max_epochs=60, val_interval=5)
default_hooks = dict(checkpoint=dict(interval=60))
