"""Detectors by their parts; importing it registers them."""

from .detector import SegmentDetector, SequencePreprocessor
from .heads import ActionFormerHead, BoundaryHead, DistanceHead, OffsetHead, TridentHead
from .layers import ConvProjection
from .pyramid import SGPPyramid
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
