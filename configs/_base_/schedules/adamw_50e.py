# The paper's schedule: AdamW at 1e-4 for 64 clips a step, 5 epochs of warm-up, cosine to 0.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=50, val_begin=1, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.01))
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.01,
        begin=0,
        end=5,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        T_max=45,
        begin=5,
        end=50,
        eta_min=0,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
# On: the rate follows the batch size (8 clips: 1.25e-5).
auto_scale_lr = dict(enable=True, base_batch_size=64)
