# ALBAR on the bias benchmark of the JHMDB21 clips, composited while it is read.
_base_ = ['../albar_jhmdb21.py', '../_base_/datasets/bias_jhmdb21.py']

test_dataloader = dict(_delete_=True, **_base_.bias_on_the_fly_dataloader)
