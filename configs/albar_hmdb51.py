# ALBAR on HMDB51, the paper's setting.
_base_ = ['erm_hmdb51.py', '_base_/models/albar.py']

train_pipeline = [*_base_.train_pipeline, dict(type='StaticClip', frame='random')]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
