# The plain baseline on the bias benchmark of the JHMDB21 clips, from exported videos.
_base_ = ['../erm_jhmdb21.py', '../_base_/datasets/bias_jhmdb21.py']

test_dataloader = dict(_delete_=True, **_base_.bias_dataloader)
