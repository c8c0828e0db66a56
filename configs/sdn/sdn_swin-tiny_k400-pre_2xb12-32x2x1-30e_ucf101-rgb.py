# SDN on UCF101. No settings for Swin-T were published: schedule and rates are those of plain training
# in StillMix's comparison, the branches those of SDN's full model.
_base_ = '../erm/erm_swin-tiny_k400-pre_2xb12-32x2x1-30e_ucf101-rgb.py'

from albar_mm.datasets.transforms import with_person_boxes, with_scene_labels

model = dict(
    type='SDNRecognizer3D', sdn=dict(num_scenes=365, scene=dict(), mask=dict())
)  # 365: Places365

# docs/sdn.md and docs/person_boxes.md say how to make the two files.
train_pipeline = with_person_boxes(
    with_scene_labels(_base_.train_pipeline, 'data/ucf101/scenes.npz'),
    'data/ucf101/people.jsonl',
    min_score=0.3,
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
log_processor = dict(
    mean_pattern=_base_.log_processor.mean_pattern + '|^(scene_top1|mask_entropy)$'
)
