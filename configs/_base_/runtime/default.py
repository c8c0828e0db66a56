# MMAction2's runtime plus what every albar_mm config needs.
_base_ = 'mmaction::_base_/default_runtime.py'

custom_imports = dict(imports=['albar_mm'], allow_failed_imports=False)

default_hooks = dict(
    # Selection by a part held out of train: never by a test or OOD set.
    checkpoint=dict(save_best='val/contrast', rule='greater', max_keep_ckpts=2)
)
custom_hooks = [
    dict(type='ResultsHook'),
    # What tools/train.py adds to every config, named here for other ways to train.
    dict(type='ReseedHook'),
    dict(type='EpochResumeHook'),
    dict(type='BadVideoHook', max_share=0.01),
    dict(type='PretrainedCheck', min_loaded=0.9),
]

# The static monitors of training are averaged over the window like the losses (but never summed into
# them); val/static_top1 is not: it would be averaged over earlier validations.
log_processor = dict(mean_pattern=r'.*(loss|time|data_time|grad_norm).*|^static_')
randomness = dict(seed=0)
