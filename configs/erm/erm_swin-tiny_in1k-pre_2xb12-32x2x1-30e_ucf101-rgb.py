# Plain training on UCF101 from ImageNet weights, inflated: the ImageNet rows of StillMix's own tables. For
# the methods: --debias METHOD --debias-options pretraining=imagenet (README.md has their rates).
_base_ = 'erm_swin-tiny_k400-pre_2xb12-32x2x1-30e_ucf101-rgb.py'

model = dict(
    backbone=dict(
        pretrained2d=True,
        pretrained='https://download.openmmlab.com/mmaction/v1.0/recognition/swin/swin_tiny_patch4_window7_224.pth',
    )
)
optim_wrapper = dict(optimizer=dict(lr=1.5e-3, weight_decay=0.01))
load_from = None
