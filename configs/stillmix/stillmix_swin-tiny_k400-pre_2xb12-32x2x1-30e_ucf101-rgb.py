# StillMix on UCF101, in the setting of StillMix's comparison.
_base_ = '../erm/erm_swin-tiny_k400-pre_2xb12-32x2x1-30e_ucf101-rgb.py'

model = dict(
    data_preprocessor=dict(
        blending=dict(
            type='StillMixBlending',
            num_classes=101,
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            alpha=200.0,
            beta=200.0,
            bank='data/ucf101/frame_bank.npz',  # docs/frame_bank.md
            prob=0.25,
        )
    )
)
