# Kinetics-400: the official val list is the test set; val is held out of train. Class folders hold
# blanks, so the lists are tab-separated.
_base_ = 'hmdb51.py'

data_root = 'data/kinetics400'
video_root = f'{data_root}/videos'

train_dataloader = dict(
    dataset=dict(
        ann_file=f'{data_root}/train.txt', data_prefix=dict(video=video_root), delimiter='\t'
    )
)
val_dataloader = dict(
    dataset=dict(
        dataset=dict(
            ann_file=f'{data_root}/val.txt', data_prefix=dict(video=video_root), delimiter='\t'
        )
    )
)
# Confl-FG needs the sinusoid set's videos; the paper reports ARAS in its place.
test_dataloader = dict(
    dataset=dict(
        iid=dict(
            ann_file=f'{data_root}/test.txt', data_prefix=dict(video=video_root), delimiter='\t'
        ),
        bias_root=f'{data_root}/bias',
        dataset='K400',
        conflfg=[],
        num_classes=400,
    )
)
