"""Pipeline transforms."""

from .bias_sample_frames import BiasSampleFrames
from .box_pipeline import check_box_pipeline, with_person_boxes
from .compositing import PasteForeground, RepeatFrame, SourceDecode, SourceInit, SwapBackground
from .person_boxes import LoadPersonBoxes, PackPersonBoxes
from .published_frames import PublishedFrameDecode
from .scene_labels import LoadSceneLabels, with_scene_labels
from .static_clip import StaticClip

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
