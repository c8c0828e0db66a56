# A two-stage 3D ResNet (0.1 M parameters) that trains in minutes on two CPU cores. GroupNorm, as it
# treats a static clip in training as it does in testing (docs/static_pass.md).
model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3d',
        depth=18,
        pretrained=None,
        in_channels=3,
        base_channels=16,
        num_stages=2,
        stage_blocks=(1, 1),
        spatial_strides=(1, 2),
        temporal_strides=(1, 1),
        dilations=(1, 1),
        out_indices=(1,),
        conv1_kernel=(3, 7, 7),
        conv1_stride_s=2,
        pool1_stride_s=2,
        inflate=(1, 1),
        norm_cfg=dict(type='GN', num_groups=16, requires_grad=True),
        zero_init_residual=False,
        norm_eval=False,
    ),
    cls_head=dict(
        type='I3DHead',
        in_channels=32,
        num_classes=8,
        spatial_type='avg',
        dropout_ratio=0.0,
        average_clips='prob',
    ),
    data_preprocessor=dict(
        type='ActionDataPreprocessor',
        mean=[115.0, 115.0, 115.0],
        std=[58.0, 58.0, 58.0],
        format_shape='NCTHW',
    ),
)
