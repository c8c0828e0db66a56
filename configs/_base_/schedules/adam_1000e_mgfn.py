# The published schedule: Adam (weight decay as an L2 term), constant rate, 1000 epochs of 50 steps.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1000)
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3, weight_decay=5e-4))
