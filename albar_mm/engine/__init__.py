"""Hooks and launching."""

from . import hooks

__all__ = ['hooks']
