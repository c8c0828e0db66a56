# ALBAR with StillMix on Kinetics-400: frames of the other clips of the batch, no reference network.
_base_ = '../albar/albar_swin-tiny_in1k-pre_1xb8-32x2x1-50e_kinetics400-rgb.py'

model = dict(
    data_preprocessor=dict(
        blending=dict(
            type='StillMixBlending',
            num_classes=400,
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            alpha=200.0,
            beta=200.0,
            prob=0.75,
        )
    )
)
