# ALBAR on UCF101's sets in the original protocol, whole person boxes: ALBAR's Table 8.
_base_ = ['../albar_ucf101.py', '../_base_/datasets/bias_ucf101_boxes.py']

test_dataloader = dict(_delete_=True, **_base_.bias_dataloader)
