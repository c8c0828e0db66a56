# StillMix's reference network on Kinetics-400, 2D Swin-T: one random frame a video and epoch.
_base_ = [
    '../../_base_/models/swin_tiny_reference.py',
    '../../_base_/datasets/kinetics400.py',
    '../../_base_/schedules/sgd_50e_reference.py',
    '../../_base_/runtime/default.py',
]

model = dict(cls_head=dict(num_classes=400))
train_dataloader = dict(
    batch_size=64, drop_last=False, dataset=dict(pipeline=_base_.reference_train_pipeline)
)
val_dataloader = dict(
    batch_size=64,
    dataset=dict(
        _base_.val_dataloader.dataset.dataset,
        _delete_=True,
        pipeline=_base_.reference_test_pipeline,
    ),
)
test_dataloader = dict(batch_size=64, dataset=dict(pipeline=_base_.reference_test_pipeline))
val_evaluator = dict(type='AccMetric', _delete_=True)

default_hooks = dict(checkpoint=dict(save_best=None, rule=None, max_keep_ckpts=1))
