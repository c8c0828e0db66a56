# ALBAR on Kinetics-400, in the setting of the paper: the baseline plus the static pass. A part of the training
# list validates: 10 % by default, the paper's 20 % where the data was prepared with --val-share 0.2.
# configs/albar/ trains on the whole list, as the paper's code does.
_base_ = ['erm_kinetics400.py', '_base_/models/albar.py']

model = dict(
    type='ALBARRecognizer3D',
    data_preprocessor=dict(type='StaticDataPreprocessor'),
    static=_base_.albar_static,
)

train_pipeline = [*_base_.train_pipeline, dict(type='StaticClip', frame='random')]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
