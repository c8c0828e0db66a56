# ALBAR on HMDB51 in the setting of its paper, trained as its code does: on the whole official list.
# The code keeps the weights that are best on the test list; here nothing is chosen, the last count. The
# paper's text holds a fifth of the list out: configs/albar_hmdb51.py prepared with --val-share 0.2.
_base_ = '../albar_hmdb51.py'

train_pipeline = [*_base_.halved_train_pipeline, dict(type='StaticClip', frame='random')]
test_pipeline = _base_.halved_test_pipeline
train_dataloader = dict(
    drop_last=False,
    dataset=dict(ann_file='data/hmdb51/trainval_split1.txt', pipeline=train_pipeline),
)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_cfg = val_dataloader = val_evaluator = None
default_hooks = dict(checkpoint=dict(save_best=None, rule=None))
