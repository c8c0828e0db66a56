# ALBAR on UCF101, in the setting of its paper; another name of configs/albar_ucf101.py.
_base_ = '../albar_ucf101.py'
