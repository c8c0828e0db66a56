# An encoder of real surveillance clips, fight or not, from scratch, sized for two CPU cores: trained
# on the clips that only training videos of tools/join_clips.py show.
_base_ = '../erm_jhmdb21.py'

data_root = 'data/cctv_untrimmed'
clips = 'data/cctv_fights'
train_dataloader = dict(
    dataset=dict(
        ann_file=f'{data_root}/clips_train.txt', data_prefix=dict(video=clips), num_classes=2
    )
)
test_dataloader = dict(
    dataset=dict(
        iid=dict(ann_file=f'{data_root}/clips_test.txt', data_prefix=dict(video=clips)),
        num_classes=2,
    )
)
model = dict(cls_head=dict(num_classes=2))
# 82 clips are too few to hold some out; the last weights are used.
val_cfg = val_dataloader = val_evaluator = None
default_hooks = dict(checkpoint=dict(save_best=None), logger=dict(interval=5))
