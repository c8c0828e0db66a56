# VideoMix on Kinetics-400, in the setting of StillMix's comparison.
_base_ = '../erm/erm_swin-tiny_in1k-pre_2xb12-32x2x1-30e_kinetics400-rgb.py'

model = dict(
    data_preprocessor=dict(
        blending=dict(type='VideoMixBlending', num_classes=400, alpha=1.0, prob=0.75)
    )
)
