# UCF101 in the original protocol: whole person boxes, what "build ucf101-boxes" writes. Its scores are
# not comparable with those of bias_ucf101.py, as background shows inside the boxes.
_base_ = 'bias_ucf101.py'

bias_boxes = dict(bias_root='data/ucf101/bias_boxes', dataset='UCF101-boxes')

bias_dataloader = dict(dataset=bias_boxes)
bias_on_the_fly_dataloader = dict(dataset=bias_boxes)
