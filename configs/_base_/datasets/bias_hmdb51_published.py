# HMDB51 sets as StillMix and ALBAR handed them out: folders, zips and images of frames. Pick one:
#   test_dataloader = dict(_delete_=True, **_base_.bias_stillmix_dataloader)   # or bias_albar_dataloader
_base_ = 'bias_hmdb51.py'

# IID videos come through a pipeline for videos, bias_pipeline; frames are read by PublishedFrameDecode.
bias_frame_pipeline = [
    dict(
        type='BiasSampleFrames',
        clip_len=32,
        frame_interval=2,
        num_clips=1,
        test_mode=True,
        short='loop',
    ),
    dict(type='PublishedFrameDecode'),
    dict(type='Resize', scale=(-1, 256)),
    dict(type='CenterCrop', crop_size=224),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
bias_published = dict(
    batch_size=8,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='DomainBatchSampler'),
)
bias_published_set = dict(
    iid=dict(ann_file='data/hmdb51/test_split1.txt', data_prefix=dict(video='data/hmdb51/videos')),
    pipelines=dict(iid={{_base_.bias_pipeline}}),
    pipeline=bias_frame_pipeline,
    dataset='HMDB51',
    num_classes=51,
    missing='skip',  # those that were downloaded
)

# <frames>/<video>__<k>/frame000001.jpg and a list; SCUFO is one frame of each SCUBA item. Confl-FG:
#   conflfg=dict(stripe=dict(frames=..., list='dynamic_testlist01.txt', static_list='static_testlist01.txt'))
bias_stillmix_root = 'data/stillmix'
bias_stillmix_dataloader = dict(
    **bias_published,
    dataset=dict(
        type='StillMixBenchmarkDataset',
        scuba=dict(
            places365=dict(
                frames=f'{bias_stillmix_root}/places365', list=f'{bias_stillmix_root}/places365.txt'
            ),
            vqgan=dict(
                frames=f'{bias_stillmix_root}/vqgan', list=f'{bias_stillmix_root}/vqgan.txt'
            ),
            stripe=dict(
                frames=f'{bias_stillmix_root}/stripe', list=f'{bias_stillmix_root}/stripe.txt'
            ),
        ),
        **bias_published_set,
    ),
)

# HMDB51_SCUBA_Places365/<video>__<k>.zip, HMDB51_SCUFO_Places365/<video>__<k>.jpg, ... For UCF101
# classes='data/ucf101/label_map.txt' takes the place of labels.
bias_albar_dataloader = dict(
    **bias_published,
    dataset=dict(
        type='ALBARBenchmarkDataset',
        bias_root='data/albar',
        labels='data/hmdb51/test_split1.txt',
        **bias_published_set,
    ),
)
