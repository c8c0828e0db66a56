# StillMix's reference network on HMDB51, ResNet-50: one random frame a video and epoch.
_base_ = [
    '../../_base_/models/resnet50_reference.py',
    '../../_base_/datasets/hmdb51.py',
    '../../_base_/schedules/sgd_50e_reference.py',
    '../../_base_/runtime/default.py',
]

model = dict(cls_head=dict(num_classes=51))
train_dataloader = dict(
    batch_size=256, drop_last=False, dataset=dict(pipeline=_base_.reference_train_pipeline)
)
val_dataloader = dict(
    batch_size=256,
    dataset=dict(
        _base_.val_dataloader.dataset.dataset,
        _delete_=True,
        pipeline=_base_.reference_test_pipeline,
    ),
)
test_dataloader = dict(batch_size=256, dataset=dict(pipeline=_base_.reference_test_pipeline))
val_evaluator = dict(type='AccMetric', _delete_=True)

optim_wrapper = dict(optimizer=dict(lr=0.04))
auto_scale_lr = dict(base_batch_size=256)
default_hooks = dict(checkpoint=dict(save_best=None, rule=None, max_keep_ckpts=1))
