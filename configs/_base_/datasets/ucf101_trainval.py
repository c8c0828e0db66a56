# UCF101 as published: training on the whole official list, which tools/prepare_dataset.py writes
# whatever is held out of it, and no validation.
_base_ = 'ucf101.py'

train_dataloader = dict(dataset=dict(ann_file='data/ucf101/trainval_split1.txt'))
val_dataloader = val_evaluator = None
