"""Mask sources: which pixels of a source video are its actors."""

from ...annotations.tubes import Tube, read_boxes
from .boxes import BoxMasks
from .folders import NpzMasks, PngMasks, RleMasks
from .jhmdb import JhmdbMasks
from .motion import MotionMasks
from .parse import MASKS_HELP, parse_masks
from .policy import POLICIES, MaskTrack, fill_missing
from .refine import GrabCutMasks, WithinBoxes
from .rle import decode_rle
from .sam2 import Sam2Masks
from .segmenter import SegmenterMasks
from .source import CheckedMasks, MaskResult, MaskSource
from .union import CoverFilter, UnionMasks

__all__ = [
    'MASKS_HELP',
    'POLICIES',
    'BoxMasks',
    'CheckedMasks',
    'CoverFilter',
    'GrabCutMasks',
    'JhmdbMasks',
    'MaskResult',
    'MaskSource',
    'MaskTrack',
    'MotionMasks',
    'NpzMasks',
    'PngMasks',
    'RleMasks',
    'Sam2Masks',
    'SegmenterMasks',
    'Tube',
    'UnionMasks',
    'WithinBoxes',
    'decode_rle',
    'fill_missing',
    'parse_masks',
    'read_boxes',
]
