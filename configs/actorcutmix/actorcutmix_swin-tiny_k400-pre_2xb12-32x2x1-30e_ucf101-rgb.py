# ActorCutMix on UCF101, in the setting of StillMix's comparison.
_base_ = '../erm/erm_swin-tiny_k400-pre_2xb12-32x2x1-30e_ucf101-rgb.py'

from albar_mm.datasets.transforms import with_person_boxes

model = dict(
    data_preprocessor=dict(blending=dict(type='ActorCutMixBlending', num_classes=101, prob=0.5))
)

# People who were found with a score above 0.4 (docs/person_boxes.md).
train_pipeline = with_person_boxes(
    _base_.train_pipeline, 'data/ucf101/people.jsonl', min_score=0.4, above=True
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
optim_wrapper = dict(optimizer=dict(lr=7.5e-5))
