"""Pictures."""

from .bias_figure import bias_figure, comparison_figure
from .stability_figure import plot_stability, stability_figure

__all__ = ['bias_figure', 'comparison_figure', 'plot_stability', 'stability_figure']
