"""Detectors by their parts; importing it registers them."""

from .detector import SegmentDetector, SequencePreprocessor
from .heads import BoundaryHead, DistanceHead, OffsetHead
from .layers import ConvProjection
from .pyramid import SGPPyramid
from .segment_head import ActionFormerHead, TridentHead
from .transformer import TransformerPyramid

__all__ = [
    'ActionFormerHead',
    'BoundaryHead',
    'ConvProjection',
    'DistanceHead',
    'OffsetHead',
    'SGPPyramid',
    'SegmentDetector',
    'SequencePreprocessor',
    'TransformerPyramid',
    'TridentHead',
]
