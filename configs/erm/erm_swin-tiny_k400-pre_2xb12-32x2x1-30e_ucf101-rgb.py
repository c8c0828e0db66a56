# Plain training in the setting of StillMix's comparison: the row "None" on UCF101.
_base_ = [
    '../_base_/models/swin_tiny_stillmix.py',
    '../_base_/datasets/ucf101_trainval.py',
    '../_base_/schedules/adamw_30e_stillmix.py',
    '../_base_/runtime/last_weights.py',
]

model = dict(cls_head=dict(num_classes=101))
optim_wrapper = dict(optimizer=dict(weight_decay=0.01))

train_dataloader = dict(batch_size=12)
load_from = 'https://download.openmmlab.com/mmaction/v1.0/recognition/swin/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb_20220930-241016b2.pth'
