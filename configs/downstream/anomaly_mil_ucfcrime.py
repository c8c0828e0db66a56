# The MIL ranking model on UCF-Crime: random batches of 30 + 30, Adagrad, 1e-3 (its code: 1e-2).
_base_ = 'anomaly_mgfn_ucfcrime.py'

model = dict(
    _delete_=True, type='AnomalyDetector', head=dict(type='MILRankingHead', in_channels=768)
)
train_dataloader = dict(batch_size=60, batch_sampler=dict(order='shuffled'))
train_cfg = dict(max_epochs=741)  # of 27 steps: the 20,000 of its code
optim_wrapper = dict(optimizer=dict(_delete_=True, type='Adagrad', lr=1e-3))
