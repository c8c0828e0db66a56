# UCF101 split 1, as HMDB51; val is whole groups (g01 to g25) held out of the official train list.
_base_ = 'hmdb51.py'

data_root = 'data/ucf101'
video_root = f'{data_root}/videos'

train_dataloader = dict(
    dataset=dict(ann_file=f'{data_root}/train_split1.txt', data_prefix=dict(video=video_root))
)
val_dataloader = dict(
    dataset=dict(
        dataset=dict(ann_file=f'{data_root}/val_split1.txt', data_prefix=dict(video=video_root))
    )
)
test_dataloader = dict(
    dataset=dict(
        iid=dict(ann_file=f'{data_root}/test_split1.txt', data_prefix=dict(video=video_root)),
        bias_root=f'{data_root}/bias',
        dataset='UCF101',
        num_classes=101,
    )
)
