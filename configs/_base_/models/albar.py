# The static pass with the paper's weights, for `model = dict(static=_base_.albar_static)`.
# The pipeline's StaticClip draws the frame.
albar_static = dict(
    frame='random',
    source='unblended',
    norm='batch',
    losses=[
        dict(type='StaticAdversarialLoss', weight=1.0),
        dict(type='StaticEntropyLoss', weight=4.0),
        dict(type='StaticGradientPenalty', weight=10.0, reduction='official'),
    ],
)
