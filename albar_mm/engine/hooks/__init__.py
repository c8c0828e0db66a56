"""Hooks."""

from .static_weight_hook import StaticWeightHook

__all__ = ['StaticWeightHook']
