# ALBAR on real HMDB51 clips: the baseline plus the static pass.
_base_ = ['erm_jhmdb21.py', '_base_/models/albar_from_scratch.py']

model = dict(
    type='ALBARRecognizer3D',
    data_preprocessor=dict(type='StaticDataPreprocessor'),
    static=_base_.albar_static,
)

train_pipeline = [*_base_.train_pipeline, dict(type='StaticClip', frame='random')]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
