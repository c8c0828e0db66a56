# The biased baseline: plain fine-tuning of Video Swin-T on HMDB51.
_base_ = [
    '_base_/models/swin_tiny_hmdb51.py',
    '_base_/datasets/hmdb51.py',
    '_base_/schedules/adamw_50e.py',
    '_base_/runtime/default.py',
]

load_from = 'https://download.openmmlab.com/mmaction/v1.0/recognition/swin/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb_20220930-241016b2.pth'
