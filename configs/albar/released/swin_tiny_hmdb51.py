# ALBAR on HMDB51 as its released code has it: the numbers of the base, its sampling of frames, and the
# weights that it begins with, torchvision's swin3d_t, of which one command makes the file below:
#   python tools/convert_checkpoint.py swin3d-torchvision swin3d_t-7615ae03.pth data/weights/swin3d_t_k400.pth
_base_ = [
    '../albar_swin-tiny_k400-pre_1xb6-32x2x1-50e_hmdb51-rgb.py',
    '../../_base_/datasets/bias_hmdb51.py',
]

load_from = 'data/weights/swin3d_t_k400.pth'

train_pipeline = [
    dict(type='DecordInit'),
    # clips of fewer than 64 frames at stride 1
    dict(type='BiasSampleFrames', clip_len=32, frame_interval=2, num_clips=1, short='halve'),
    *_base_.train_pipeline[2:],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.bias_pipeline_albar))  # from frame 0
