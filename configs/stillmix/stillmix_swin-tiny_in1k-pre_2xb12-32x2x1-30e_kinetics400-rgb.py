# StillMix on Kinetics-400, in the setting of StillMix's comparison.
_base_ = '../erm/erm_swin-tiny_in1k-pre_2xb12-32x2x1-30e_kinetics400-rgb.py'

model = dict(
    data_preprocessor=dict(
        blending=dict(
            type='StillMixBlending',
            num_classes=400,
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            alpha=20.0,
            beta=60.0,
            bank='data/kinetics400/frame_bank.npz',  # docs/frame_bank.md
            prob=0.25,
        )
    )
)
