# The small 3D ResNet of the sprites with a third stage (0.2 M parameters), for clips of 56 x 56 px.
_base_ = 'resnet3d_sprites.py'

model = dict(
    backbone=dict(
        num_stages=3,
        stage_blocks=(1, 1, 1),
        spatial_strides=(1, 2, 2),
        temporal_strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(2,),
        conv1_kernel=(3, 5, 5),
        inflate=(1, 1, 1),
    ),
    cls_head=dict(in_channels=64, num_classes=21),
)
