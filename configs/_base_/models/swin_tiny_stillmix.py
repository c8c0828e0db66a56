# Video Swin-T as StillMix's comparison fine-tunes it: dropout before the classifier.
_base_ = 'swin_tiny_hmdb51.py'

model = dict(cls_head=dict(dropout_ratio=0.5))
