# MGFN on UCF-Crime as published: python tools/downstream.py anomaly --features STORE --annotations ...
# Each epoch is the same 50 batches in the order of the list. The published weights were chosen on the
# test videos; here the last ones count.
_base_ = [
    '../_base_/models/mgfn.py',
    '../_base_/datasets/ucf_crime_features.py',
    '../_base_/schedules/adam_1000e_mgfn.py',
    '../_base_/runtime/anomaly.py',
]

train_dataloader = dict(batch_sampler=dict(order='given'))
