"""Measuring static bias: functions, metrics, tables and result files."""

from . import functional
from .metrics import BiasMetric, StaticContrastMetric
from .results import ResultsHook, write_results
from .tables import format_bias_comparison, format_bias_table

__all__ = [
    'BiasMetric',
    'ResultsHook',
    'StaticContrastMetric',
    'format_bias_comparison',
    'format_bias_table',
    'functional',
    'write_results',
]
