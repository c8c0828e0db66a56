# The biased baseline on real HMDB51 clips, from scratch, sized for two CPU cores.
_base_ = [
    '_base_/models/resnet3d_jhmdb21.py',
    '_base_/datasets/jhmdb21.py',
    '_base_/schedules/adamw_40e_jhmdb21.py',
    '_base_/runtime/default.py',
]

default_hooks = dict(logger=dict(interval=8))  # 17 steps an epoch
