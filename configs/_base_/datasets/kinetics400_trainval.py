# Kinetics-400 as published: training on the whole official list, which tools/prepare_dataset.py writes
# whatever is held out of it, and no validation.
_base_ = 'kinetics400.py'

train_dataloader = dict(dataset=dict(ann_file='data/kinetics400/trainval.txt'))
val_dataloader = val_evaluator = None
