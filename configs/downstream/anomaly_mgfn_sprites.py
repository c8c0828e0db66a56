# The embedded job of tools/downstream.py anomaly: a small MGFN, seconds on a CPU.
_base_ = 'anomaly_mgfn_by_score.py'

data_root = 'data/anomaly_sprites'
features = 'work_dirs/anomaly/features'
train_set = dict(ann_file=f'{data_root}/train.txt', store=features, val_share=0.2)

# Epochs were chosen on features that show the truth (tests/downstream/anomaly/test_oracle.py), never
# on these videos; trained on, the scores stay (docs/anomaly.md).
model = dict(
    backbone=dict(in_channels=32, channels=(32, 64, 128), depths=(1, 1, 1), head_channels=32),
    head=dict(in_channels=128),
)
train_dataloader = dict(dataset=train_set)
val_dataloader = dict(dataset=train_set)
test_dataloader = dict(dataset=dict(ann_file=f'{data_root}/test.txt', store=features))
train_cfg = dict(max_epochs=32, val_interval=4)
default_hooks = dict(checkpoint=dict(interval=32))
