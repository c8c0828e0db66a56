# Plain training on Kinetics-400 from Kinetics-400 weights, head included, in the setting of ALBAR: the
# baseline of configs/albar/albar_swin-tiny_k400-pre_1xb8-32x2x1-50e_kinetics400-rgb.py. (StillMix's
# comparison starts from ImageNet weights on this data set.)
_base_ = '../erm_kinetics400.py'

model = dict(backbone=dict(pretrained2d=False, pretrained=None))
# short videos: half the stride, from a random start
train_pipeline = [
    _base_.train_pipeline[0],
    dict(type='BiasSampleFrames', clip_len=32, frame_interval=2, num_clips=1, short='halve'),
    *_base_.train_pipeline[2:],
]
train_dataloader = dict(
    drop_last=False, dataset=dict(ann_file='data/kinetics400/trainval.txt', pipeline=train_pipeline)
)
val_cfg = val_dataloader = val_evaluator = None
default_hooks = dict(checkpoint=dict(save_best=None, rule=None))
load_from = 'https://download.openmmlab.com/mmaction/v1.0/recognition/swin/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb_20220930-241016b2.pth'
