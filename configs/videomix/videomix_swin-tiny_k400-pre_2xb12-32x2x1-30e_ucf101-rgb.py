# VideoMix on UCF101, in the setting of StillMix's comparison.
_base_ = '../erm/erm_swin-tiny_k400-pre_2xb12-32x2x1-30e_ucf101-rgb.py'

model = dict(
    data_preprocessor=dict(
        blending=dict(type='VideoMixBlending', num_classes=101, alpha=1.0, prob=0.5)
    )
)
optim_wrapper = dict(optimizer=dict(lr=1.5e-4))
