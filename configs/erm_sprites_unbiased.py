# The ceiling: plain training where scene and look are independent of the class.
_base_ = 'erm_sprites.py'

data_root = 'data/motion_sprites'
train_dataloader = dict(dataset=dict(ann_file=f'{data_root}/train_unbiased.txt'))
val_dataloader = dict(dataset=dict(dataset=dict(ann_file=f'{data_root}/val_unbiased.txt')))
