# ALBAR on HMDB51 with the numbers of its code in place of those of its paper: entropy 4.25, the middle
# frame (the paper's Table 1), 1e-5 for 6 clips, decay 0.05. The first epoch runs at the full rate, five
# of warm-up follow, and a cosine that epoch 50 cuts short: an off-by-one that is kept.
_base_ = 'albar_swin-tiny_k400-pre_1xb8-32x2x1-50e_hmdb51-rgb.py'

model = dict(
    static=dict(
        frame='middle',
        losses=[
            dict(type='StaticAdversarialLoss', weight=1.0),
            dict(type='StaticEntropyLoss', weight=4.25),
            dict(type='StaticGradientPenalty', weight=10.0, reduction='official'),
        ],
    )
)
train_pipeline = [*_base_.train_pipeline[:-1], dict(type='StaticClip', frame='middle')]
train_dataloader = dict(batch_size=6, dataset=dict(pipeline=train_pipeline))
# tested from the first frame on, not in the middle
test_pipeline = [*_base_.test_pipeline]
test_pipeline[1] = dict(test_pipeline[1], start='first')
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
optim_wrapper = dict(optimizer=dict(lr=1e-5, weight_decay=0.05))
auto_scale_lr = dict(enable=False, base_batch_size=6)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=1, end=6),
    # 50 points of a half wave that ends 1 / 0.99 of its length on, of which 44 are reached
    dict(type='CosineAnnealingLR', T_max=49 * 0.99, begin=6, end=50, eta_min=0),
]
