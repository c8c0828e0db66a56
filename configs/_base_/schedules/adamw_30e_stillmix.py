# The schedule of StillMix's comparison: AdamW, the backbone at a tenth of the rate, 2.5 epochs of
# warm-up under a cosine over all 30 epochs. The rates belong to 12 clips a GPU; how many GPUs the
# authors used is not recorded (one of their examples uses 2).
# Nothing validates: the last weights count.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=30)
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=3.75e-4, betas=(0.9, 0.999), weight_decay=0.05),
    # Of several keys in a name the longest counts alone: in the backbone everything learns at a
    # tenth and decays, norms too, but the tables of relative positions (full rate, no decay).
    paramwise_cfg=dict(
        custom_keys=dict(
            absolute_pos_embed=dict(decay_mult=0.0),
            relative_position_bias_table=dict(decay_mult=0.0),
            norm=dict(decay_mult=0.0),
            backbone=dict(lr_mult=0.1),
        )
    ),
)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.1,
        by_epoch=True,
        begin=0,
        end=2.5,
        convert_to_iter_based=True,
    ),
    dict(type='CosineAnnealingLR', T_max=30, eta_min=0, by_epoch=True, begin=0, end=30),
]
auto_scale_lr = dict(enable=False, base_batch_size=24)
