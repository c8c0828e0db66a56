"""Thin metric classes over :mod:`albar_mm.evaluation.functional`."""

from .bias_metric import BiasMetric
from .record_metric import RecordMetric
from .static_contrast_metric import StaticContrastMetric

__all__ = ['BiasMetric', 'RecordMetric', 'StaticContrastMetric']
