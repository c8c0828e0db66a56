# Video Swin-T, pre-trained on Kinetics-400, as in the paper: no dropout before the classifier.
_base_ = 'mmaction::_base_/models/swin_tiny.py'

model = dict(cls_head=dict(num_classes=51, dropout_ratio=0.))
