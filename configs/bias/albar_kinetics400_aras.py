# ALBAR on the Kinetics-400 sets and ARAS: ALBAR's Table 6.
_base_ = ['../albar_kinetics400.py', '../_base_/datasets/bias_k400.py']

test_dataloader = dict(_delete_=True, **_base_.bias_dataloader)
