# The published schedule for THUMOS14: 20 epochs of warm-up and 20 of cosine, both step by step, an
# average of the weights (which is what is saved and tested), no validation, the last epoch counts.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=40)
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.025),
    # neither norms, biases nor the scales of branches and levels decay
    paramwise_cfg=dict(
        norm_decay_mult=0.0, bias_decay_mult=0.0, custom_keys={'scale': dict(decay_mult=0.0)}
    ),
    clip_grad=dict(max_norm=1.0),
)
# (MMEngine multiplies the rate step by step: the first one cannot be 0)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-12, begin=0, end=20, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-8,
        begin=20,
        end=40,
        T_max=20,
        convert_to_iter_based=True,
    ),
]
