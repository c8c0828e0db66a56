"""Temporal action localisation on snippet features; importing it registers the parts."""

from . import dataset, metric, models

__all__ = ['dataset', 'metric', 'models']
