# The MIL ranking model on UCF-Crime: batches of 30 + 30, Adagrad.
_base_ = 'anomaly_mgfn_ucfcrime.py'

model = dict(
    _delete_=True, type='AnomalyDetector', head=dict(type='MILRankingHead', in_channels=768)
)
train_dataloader = dict(batch_size=60)
optim_wrapper = dict(optimizer=dict(_delete_=True, type='Adagrad', lr=1e-3))
