# An encoder of real HMDB51 clips, from scratch, sized for two CPU cores: trained on the clips that
# only training videos of tools/join_clips.py show.
_base_ = 'encoder_cctv.py'

data_root = 'data/jhmdb21_untrimmed'
clips = 'data/hmdb51_jhmdb21/videos'
train_dataloader = dict(
    dataset=dict(
        ann_file=f'{data_root}/clips_train.txt', data_prefix=dict(video=clips), num_classes=21
    )
)
test_dataloader = dict(
    dataset=dict(
        iid=dict(ann_file=f'{data_root}/clips_test.txt', data_prefix=dict(video=clips)),
        num_classes=21,
    )
)
model = dict(cls_head=dict(num_classes=21))
