# TriDet on THUMOS14: python tools/downstream.py tal --features STORE --annotations thumos14.json
_base_ = [
    '../_base_/models/tridet.py',
    '../_base_/datasets/thumos14_features.py',
    '../_base_/schedules/adamw_40e_tridet.py',
    '../_base_/runtime/tal.py',
]
