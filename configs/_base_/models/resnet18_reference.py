# A 2D ResNet-18 cut after its second stage (0.7 M parameters), from scratch, for small frames on CPU.
model = dict(
    type='Recognizer2D',
    backbone=dict(
        type='ResNet',
        pretrained=None,
        depth=18,
        num_stages=2,
        out_indices=(1,),
        strides=(1, 2),
        dilations=(1, 1),
        norm_eval=False,
    ),
    cls_head=dict(
        type='TSNHead',
        num_classes=8,
        in_channels=128,
        spatial_type='avg',
        consensus=dict(type='AvgConsensus', dim=1),
        dropout_ratio=0.0,
        init_std=0.01,
        average_clips='prob',
    ),
    data_preprocessor=dict(
        type='ActionDataPreprocessor',
        mean=[115.0, 115.0, 115.0],
        std=[58.0, 58.0, 58.0],
        format_shape='NCHW',
    ),
)
