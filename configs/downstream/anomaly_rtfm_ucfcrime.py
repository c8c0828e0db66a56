# RTFM on UCF-Crime as its code has it: batches of 32 + 32, shuffled, what is left of a list dropped.
_base_ = 'anomaly_mgfn_ucfcrime.py'

model = dict(
    _delete_=True,
    type='AnomalyDetector',
    backbone=dict(type='RTFMNetwork', in_channels=768),
    head=dict(type='RTFMHead', in_channels=768),
)
train_dataloader = dict(batch_size=64, batch_sampler=dict(order='shuffled'))
train_cfg = dict(max_epochs=600)  # of 25 steps: 15,000
optim_wrapper = dict(optimizer=dict(weight_decay=5e-3))
