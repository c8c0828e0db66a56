# The runtime of the recognisers; the last checkpoint counts.
_base_ = 'default.py'

custom_imports = dict(imports=['albar_mm', 'downstream.anomaly'], allow_failed_imports=False)
default_hooks = dict(
    checkpoint=dict(interval=10, save_best=None, max_keep_ckpts=1), logger=dict(interval=20)
)
custom_hooks = [
    dict(type='ResultsHook'),
    dict(type='ReseedHook'),
    dict(type='EpochResumeHook'),
]
log_processor = dict(window_size=20)
