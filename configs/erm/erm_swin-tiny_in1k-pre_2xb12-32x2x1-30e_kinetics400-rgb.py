# Plain training in the setting of StillMix's comparison: the row "None" on Kinetics-400.
_base_ = [
    '../_base_/models/swin_tiny_stillmix.py',
    '../_base_/datasets/kinetics400_trainval.py',
    '../_base_/schedules/adamw_30e_stillmix.py',
    '../_base_/runtime/last_weights.py',
]

model = dict(
    backbone=dict(
        pretrained2d=True,
        pretrained='https://download.openmmlab.com/mmaction/v1.0/recognition/swin/swin_tiny_patch4_window7_224.pth',
    ),
    cls_head=dict(num_classes=400),
)
optim_wrapper = dict(optimizer=dict(lr=7.5e-4, weight_decay=0.02))

train_dataloader = dict(batch_size=12)
