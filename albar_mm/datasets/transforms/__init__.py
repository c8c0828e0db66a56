"""Pipeline transforms."""

from .bias_sample_frames import BiasSampleFrames
from .paste_foreground import PasteForeground
from .published_frames import PublishedFrameDecode
from .repeat_frame import RepeatFrame
from .source_frames import SourceDecode, SourceInit
from .static_clip import StaticClip
from .swap_background import SwapBackground

__all__ = [
    'BiasSampleFrames',
    'PasteForeground',
    'PublishedFrameDecode',
    'RepeatFrame',
    'SourceDecode',
    'SourceInit',
    'StaticClip',
    'SwapBackground',
]
