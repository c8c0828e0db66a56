"""Pipeline transforms."""

from .bias_sample_frames import BiasSampleFrames
from .published_frames import PublishedFrameDecode
from .static_clip import StaticClip

__all__ = ['BiasSampleFrames', 'PublishedFrameDecode', 'StaticClip']
