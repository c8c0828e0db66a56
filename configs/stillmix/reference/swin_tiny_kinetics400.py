# StillMix's reference network on Kinetics-400, 2D Swin-T: one random frame a video and epoch.
_base_ = [
    '../../_base_/models/swin_tiny_reference.py',
    '../../_base_/datasets/kinetics400_trainval.py',
    '../../_base_/schedules/sgd_50e_reference.py',
    '../../_base_/runtime/last_weights.py',
]

model = dict(cls_head=dict(num_classes=400))
train_dataloader = dict(
    batch_size=64, drop_last=False, dataset=dict(pipeline=_base_.reference_train_pipeline)
)
test_dataloader = dict(batch_size=64, dataset=dict(pipeline=_base_.reference_test_pipeline))

default_hooks = dict(checkpoint=dict(max_keep_ckpts=1))
