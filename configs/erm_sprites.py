# The biased baseline: plain training on motion_sprites.
_base_ = [
    '_base_/models/resnet3d_sprites.py',
    '_base_/datasets/sprites.py',
    '_base_/schedules/adamw_6e_sprites.py',
    '_base_/runtime/default.py',
]
