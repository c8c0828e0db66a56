# The reference network of StillMix's Swin-T experiments, 2D Swin-T: MMAction2's Swin with patches and
# windows of one frame, on clips of one frame. ImageNet weights fill it whole. Drop-path 0.2 as in
# torchvision's swin_t, which the official code trains, from torchvision's own ImageNet weights: those
# here are of the same network by its authors.
_base_ = 'mmaction::_base_/models/swin_tiny.py'

model = dict(
    backbone=dict(
        patch_size=(1, 4, 4),
        window_size=(1, 7, 7),
        drop_path_rate=0.2,
        pretrained2d=True,
        pretrained='https://download.openmmlab.com/mmaction/v1.0/recognition/swin/swin_tiny_patch4_window7_224.pth',
    ),
    cls_head=dict(num_classes=51, dropout_ratio=0.0),
)

# Resized plainly, aspect ignored, as in the official code.
reference_train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=1),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(232, 232), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='RandomCrop', size=224),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
# Also how tools/build_frame_bank.py scores frames.
reference_test_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=1, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
