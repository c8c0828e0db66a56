# The schedule of StillMix's reference networks: SGD without momentum, a tenth of the rate after 20 and
# 40 epochs, the last weights kept. The rate is that of Swin-T with 64 frames a step.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=50)
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.0, weight_decay=1e-5))
param_scheduler = [
    dict(type='MultiStepLR', begin=0, end=50, by_epoch=True, milestones=[20, 40], gamma=0.1),
]
auto_scale_lr = dict(enable=False, base_batch_size=64)
