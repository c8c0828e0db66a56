# Video Swin-T, pre-trained on Kinetics-400, as in the paper: no dropout before the classifier.
_base_ = 'mmaction::_base_/models/swin_tiny.py'

model = dict(
    # Stock: inflate 2D weights at the start, which fails when none are named. Ours come whole, as
    # a video checkpoint (`load_from`).
    backbone=dict(pretrained2d=False),
    cls_head=dict(num_classes=51, dropout_ratio=0.0),
)
