# ALBAR on HMDB51, in the setting of the paper: the baseline plus the static pass.
_base_ = ['erm_hmdb51.py', '_base_/models/albar.py']

model = dict(
    type='ALBARRecognizer3D',
    data_preprocessor=dict(type='StaticDataPreprocessor'),
    static=_base_.albar_static,
)

train_pipeline = [*_base_.train_pipeline, dict(type='StaticClip', frame='random')]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
