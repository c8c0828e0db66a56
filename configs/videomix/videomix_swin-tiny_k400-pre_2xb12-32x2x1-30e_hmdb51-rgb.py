# VideoMix on HMDB51, in the setting of StillMix's comparison.
_base_ = '../erm/erm_swin-tiny_k400-pre_2xb12-32x2x1-30e_hmdb51-rgb.py'

model = dict(
    data_preprocessor=dict(
        blending=dict(type='VideoMixBlending', num_classes=51, alpha=1.0, prob=0.25)
    )
)
