# Kinetics-400: the official val list is the IID set, as in StillMix's configs (ALBAR's paper says
# "test"), and ARAS (rare scenes, the same classes) a further one, reported as aras/top1 in the place of
# Confl-FG. The OOD sets are at 15 frames a second, as published; IID and ARAS at their own rate.
# Folders hold blanks, so lists are tab-separated.
# StillMix tests K400 with one view too: bias_stillmix_pipelines is not meant for it.
_base_ = 'bias_hmdb51.py'

bias_data_root = 'data/kinetics400'
bias_video_root = f'{bias_data_root}/videos'
bias_aras_root = 'data/aras'
bias_set = dict(
    iid=dict(
        ann_file=f'{bias_data_root}/test.txt',
        data_prefix=dict(video=bias_video_root),
        delimiter='\t',
    ),
    extra_iid=dict(
        aras=dict(
            ann_file=f'{bias_aras_root}/test.txt',
            data_prefix=dict(video=f'{bias_aras_root}/videos'),
            delimiter='\t',
        )
    ),
    bias_root=f'{bias_data_root}/bias',
    dataset='K400',
    conflfg=[],
    num_classes=400,
)

bias_dataloader = dict(dataset=bias_set)
bias_on_the_fly_dataloader = dict(dataset=dict(bias_set, videos=bias_video_root))
