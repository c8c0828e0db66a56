# UCF101 in the original protocol: whole person boxes. Its scores are not comparable with those of
# bias_ucf101.py, as background shows inside the boxes.
_base_ = 'bias_ucf101.py'

bias_dataloader = dict(dataset=dict(bias_root='data/ucf101/bias_boxes'))
bias_on_the_fly_dataloader = dict(dataset=dict(bias_root='data/ucf101/bias_boxes'))
