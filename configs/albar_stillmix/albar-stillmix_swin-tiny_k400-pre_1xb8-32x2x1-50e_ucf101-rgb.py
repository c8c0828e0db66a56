# ALBAR with StillMix on UCF101: frames of the other clips of the batch, no reference network.
_base_ = '../albar_ucf101.py'

model = dict(
    data_preprocessor=dict(
        blending=dict(
            type='StillMixBlending',
            num_classes=101,
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            alpha=200.0,
            beta=200.0,
            prob=0.75,
        )
    )
)
