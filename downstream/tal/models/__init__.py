"""Detectors by their parts; importing it registers them."""

from .actionformer_head import ActionFormerHead
from .detector import SegmentDetector
from .heads import BoundaryHead, DistanceHead, OffsetHead
from .preprocessor import SequencePreprocessor
from .projection import ConvProjection
from .pyramid import SGPPyramid
from .transformer import TransformerPyramid
from .trident_head import TridentHead

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
