# RTFM on UCF-Crime: batches of 32 + 32, weight decay of the official code.
_base_ = 'anomaly_mgfn_ucfcrime.py'

model = dict(
    _delete_=True,
    type='AnomalyDetector',
    backbone=dict(type='RTFMNetwork', in_channels=768),
    head=dict(type='RTFMHead', in_channels=768),
)
train_dataloader = dict(batch_size=64)
train_cfg = dict(max_epochs=600)  # 15,000 steps
optim_wrapper = dict(optimizer=dict(weight_decay=5e-3))
