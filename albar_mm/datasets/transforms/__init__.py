"""Pipeline transforms."""

from .static_clip import StaticClip

__all__ = ['StaticClip']
