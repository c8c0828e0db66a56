# The CPU-size benchmark: sets made from the JHMDB21 clips, on stripes and on a folder of photos. Read
# by configs/bias/; see bias_hmdb51.py for what the names mean. The photos need not be Places365.
bias_data_root = 'data/jhmdb21'
bias_video_root = f'{bias_data_root}/videos'
bias_families = ['photos', 'stripe']
bias_backgrounds = dict(photos='data/backgrounds')

# The views of jhmdb21.py; clips of 15 to 21 frames play on from the start.
bias_pipeline = [
    dict(type='DecordInit'),
    dict(
        type='BiasSampleFrames',
        clip_len=8,
        frame_interval=3,
        num_clips=1,
        test_mode=True,
        short='loop',
    ),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 64)),
    dict(type='CenterCrop', crop_size=56),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]

bias_loader = dict(
    batch_size=32,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='DomainBatchSampler'),
)
bias_set = dict(
    iid=dict(ann_file=f'{bias_data_root}/test_split1.txt', data_prefix=dict(video=bias_video_root)),
    bias_root=f'{bias_data_root}/bias',
    dataset='JHMDB21',
    scuba=bias_families,
    scufo=bias_families,
    conflfg=['stripe'],
    num_classes=21,
    pipeline=bias_pipeline,
)

bias_dataloader = dict(**bias_loader, dataset=dict(type='BiasBenchmarkDataset', **bias_set))
bias_on_the_fly_dataloader = dict(
    **bias_loader,
    dataset=dict(
        type='OnTheFlyBenchmarkDataset',
        videos=bias_video_root,
        backgrounds=bias_backgrounds,
        **bias_set,
    ),
)
