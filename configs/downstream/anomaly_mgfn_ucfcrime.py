# MGFN on UCF-Crime: python tools/downstream.py anomaly --features STORE --annotations ...
_base_ = [
    '../_base_/models/mgfn.py',
    '../_base_/datasets/ucf_crime_features.py',
    '../_base_/schedules/adam_1000e_mgfn.py',
    '../_base_/runtime/anomaly.py',
]
