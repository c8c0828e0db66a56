"""Pipeline transforms."""

from .compositing import PasteForeground, RepeatFrame, SourceDecode, SourceInit, SwapBackground
from .frames import BiasSampleFrames, PublishedFrameDecode, StaticClip
from .person_boxes import LoadPersonBoxes, PackPersonBoxes, check_box_pipeline, with_person_boxes
from .video_fields import LoadSceneLabels, with_scene_labels

__all__ = [
    'BiasSampleFrames',
    'LoadPersonBoxes',
    'LoadSceneLabels',
    'PackPersonBoxes',
    'PasteForeground',
    'PublishedFrameDecode',
    'RepeatFrame',
    'SourceDecode',
    'SourceInit',
    'StaticClip',
    'SwapBackground',
    'check_box_pipeline',
    'with_person_boxes',
    'with_scene_labels',
]
