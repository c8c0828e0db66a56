# ActorCutMix on Kinetics-400, in the setting of StillMix's comparison.
_base_ = '../erm/erm_swin-tiny_in1k-pre_2xb12-32x2x1-30e_kinetics400-rgb.py'

from albar_mm.datasets.transforms import with_person_boxes

model = dict(
    data_preprocessor=dict(blending=dict(type='ActorCutMixBlending', num_classes=400, prob=0.25))
)

# People who were found with a score above 0.4 (docs/person_boxes.md).
train_pipeline = with_person_boxes(
    _base_.train_pipeline, 'data/kinetics400/people.jsonl', min_score=0.4, above=True
)
train_dataloader = dict(batch_size=24, dataset=dict(pipeline=train_pipeline))
optim_wrapper = dict(optimizer=dict(lr=3.75e-4))
auto_scale_lr = dict(base_batch_size=48)
