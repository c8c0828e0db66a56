"""Pictures."""

from .bias_figure import bias_figure

__all__ = ['bias_figure']
