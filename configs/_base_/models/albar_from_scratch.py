# The static pass for training from scratch: weights 1 / 1 / 1, chosen on motion_sprites by validation
# contrast (benchmarks/results/trials.jsonl); uncapped, the adversarial term grows without bound.
albar_static = dict(
    frame='random',
    source='unblended',
    norm='batch',
    losses=[
        dict(type='StaticAdversarialLoss', weight=1., cap='chance'),
        dict(type='StaticEntropyLoss', weight=1.),
        dict(type='StaticGradientPenalty', weight=1., reduction='official'),
    ])
