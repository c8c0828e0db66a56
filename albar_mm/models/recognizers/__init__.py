"""Recognisers with a static pass."""

from .albar import ALBARMixin, ALBARRecognizer2D, ALBARRecognizer3D

__all__ = ['ALBARMixin', 'ALBARRecognizer2D', 'ALBARRecognizer3D']
