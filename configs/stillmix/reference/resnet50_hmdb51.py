# StillMix's reference network on HMDB51, ResNet-50: one random frame a video and epoch.
_base_ = [
    '../../_base_/models/resnet50_reference.py',
    '../../_base_/datasets/hmdb51_trainval.py',
    '../../_base_/schedules/sgd_50e_reference.py',
    '../../_base_/runtime/last_weights.py',
]

model = dict(cls_head=dict(num_classes=51))
train_dataloader = dict(
    batch_size=256, drop_last=False, dataset=dict(pipeline=_base_.reference_train_pipeline)
)
test_dataloader = dict(batch_size=256, dataset=dict(pipeline=_base_.reference_test_pipeline))

optim_wrapper = dict(optimizer=dict(lr=0.04))
auto_scale_lr = dict(base_batch_size=256)
default_hooks = dict(checkpoint=dict(max_keep_ckpts=1))
