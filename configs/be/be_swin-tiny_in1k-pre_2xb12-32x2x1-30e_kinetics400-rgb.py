# BE on Kinetics-400, in the setting of StillMix's comparison.
_base_ = '../erm/erm_swin-tiny_in1k-pre_2xb12-32x2x1-30e_kinetics400-rgb.py'

model = dict(
    data_preprocessor=dict(blending=dict(type='BEBlending', num_classes=400, scale=0.3, prob=0.5))
)
