"""Pipeline transforms."""

from .bias_sample_frames import BiasSampleFrames
from .box_pipeline import check_box_pipeline, with_person_boxes
from .paste_foreground import PasteForeground
from .person_boxes import LoadPersonBoxes, PackPersonBoxes
from .published_frames import PublishedFrameDecode
from .repeat_frame import RepeatFrame
from .scene_labels import LoadSceneLabels, with_scene_labels
from .source_frames import SourceDecode, SourceInit
from .static_clip import StaticClip
from .swap_background import SwapBackground

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
