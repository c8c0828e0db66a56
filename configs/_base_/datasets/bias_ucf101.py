# UCF101 in the improved protocol: masks of the actors. See bias_hmdb51.py for views and policies.
_base_ = 'bias_hmdb51.py'

bias_data_root = 'data/ucf101'
bias_video_root = f'{bias_data_root}/videos'
bias_set = dict(
    iid=dict(ann_file=f'{bias_data_root}/test_split1.txt', data_prefix=dict(video=bias_video_root)),
    bias_root=f'{bias_data_root}/bias',
    dataset='UCF101',
    num_classes=101,
)

bias_dataloader = dict(dataset=bias_set)
bias_on_the_fly_dataloader = dict(dataset=dict(bias_set, videos=bias_video_root))
