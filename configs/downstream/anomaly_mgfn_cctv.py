# Real surveillance clips joined to untrimmed videos (tools/join_clips.py), the small MGFN.
_base_ = 'anomaly_mgfn_sprites.py'

data_root = 'data/cctv_untrimmed'
features = 'work_dirs/cctv/features'
train_set = dict(ann_file=f'{data_root}/train.txt', store=features)
train_dataloader = dict(dataset=train_set)
val_dataloader = dict(dataset=train_set)
test_dataloader = dict(dataset=dict(ann_file=f'{data_root}/test.txt', store=features))
