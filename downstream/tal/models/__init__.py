"""Detectors by their parts; importing it registers them."""

from .heads import BoundaryHead, OffsetHead
from .pyramid import SGPPyramid

__all__ = ['BoundaryHead', 'OffsetHead', 'SGPPyramid']
