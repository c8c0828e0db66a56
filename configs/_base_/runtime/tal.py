# The runtime of the recognisers with an average of the weights, and the last checkpoint.
_base_ = 'default.py'

custom_imports = dict(imports=['albar_mm', 'downstream.tal'], allow_failed_imports=False)
default_hooks = dict(
    checkpoint=dict(interval=5, save_best=None, max_keep_ckpts=1), logger=dict(interval=20)
)
custom_hooks = [
    dict(type='EMAHook', momentum=0.001, priority='ABOVE_NORMAL'),
    dict(type='ResultsHook'),
    dict(type='ReseedHook'),
    dict(type='EpochResumeHook'),
]
log_processor = dict(window_size=20)
