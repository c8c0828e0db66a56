# Mixup on UCF101, in the setting of StillMix's comparison.
_base_ = '../erm/erm_swin-tiny_k400-pre_2xb12-32x2x1-30e_ucf101-rgb.py'

model = dict(
    data_preprocessor=dict(
        blending=dict(type='ClipMixupBlending', num_classes=101, alpha=0.2, prob=0.5)
    )
)
