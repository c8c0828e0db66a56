# ActorCutMix on HMDB51, in the setting of StillMix's comparison.
_base_ = '../erm/erm_swin-tiny_k400-pre_2xb12-32x2x1-30e_hmdb51-rgb.py'

from albar_mm.datasets.transforms import with_person_boxes

model = dict(
    data_preprocessor=dict(blending=dict(type='ActorCutMixBlending', num_classes=51, prob=0.25))
)

# People who were found with a score above 0.4 (docs/person_boxes.md).
train_pipeline = with_person_boxes(
    _base_.train_pipeline, 'data/hmdb51/people.jsonl', min_score=0.4, above=True
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
