"""Recognisers with extra passes or branches in training."""

from .albar import ALBARMixin, ALBARRecognizer2D, ALBARRecognizer3D
from .sdn import SDNMixin, SDNRecognizer2D, SDNRecognizer3D

__all__ = [
    'ALBARMixin',
    'ALBARRecognizer2D',
    'ALBARRecognizer3D',
    'SDNMixin',
    'SDNRecognizer2D',
    'SDNRecognizer3D',
]
