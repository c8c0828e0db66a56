# ActionFormer on THUMOS14: 5 epochs of warm-up and 30 of cosine, windows with a margin, no noise.
_base_ = [
    '../_base_/models/actionformer.py',
    '../_base_/datasets/thumos14_features.py',
    '../_base_/schedules/adamw_40e_tridet.py',
    '../_base_/runtime/tal.py',
]

train_dataloader = dict(dataset=dict(margin=2.0))  # half of 16 frames, in snippets of stride 4
train_cfg = dict(max_epochs=35)
optim_wrapper = dict(optimizer=dict(weight_decay=0.05))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-12, begin=0, end=5, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-8,
        begin=5,
        end=35,
        T_max=30,
        convert_to_iter_based=True,
    ),
]
