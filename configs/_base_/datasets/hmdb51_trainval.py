# HMDB51 as published: training on the whole official list, which tools/prepare_dataset.py writes
# whatever is held out of it, and no validation.
_base_ = 'hmdb51.py'

train_dataloader = dict(dataset=dict(ann_file='data/hmdb51/trainval_split1.txt'))
val_dataloader = val_evaluator = None
