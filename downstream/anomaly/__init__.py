"""Weakly supervised anomaly detection on snippet features; importing it registers the parts."""

from . import dataset, metric, models

__all__ = ['dataset', 'metric', 'models']
