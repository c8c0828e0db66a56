# The static pass for training from scratch. On motion_sprites weights 1 / 1 / 1 have the best validation
# contrast (benchmarks/results/trials.jsonl); the paper's 1 / 4 / 10 come next. Uncapped, the
# adversarial term grows without bound.
albar_static = dict(
    frame='random',
    source='unblended',
    norm='batch',
    losses=[
        dict(type='StaticAdversarialLoss', weight=1.0, cap='chance'),
        dict(type='StaticEntropyLoss', weight=1.0),
        dict(type='StaticGradientPenalty', weight=1.0, reduction='official'),
    ],
)
