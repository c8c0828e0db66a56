"""Pictures over time: a panel for each video."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from albar_mm.utils.files import save_figure


def draw_panels(
    path: str | os.PathLike,
    videos: Sequence[tuple[str, float]],
    height: float,
    draw: Callable[[Any, int], Mapping[str, Any]],
    title: str = '',
) -> Path:
    """Draw videos, one below the other, over their seconds.

    Args:
        path: PNG or PDF file to write.
        videos: Name and length in seconds of each.
        height: Of the figure, in inches.
        draw: Draws the i-th video on axes, and returns what the legend tells: label -> artist.
        title: Heading.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, height), layout='constrained')
    axes, legend = figure.subplots(len(videos), 1, squeeze=False)[:, 0], {}
    for index, (axis, (name, duration_s)) in enumerate(zip(axes, videos, strict=True)):
        axis.tick_params(labelsize=8)
        for side in ('top', 'right'):
            axis.spines[side].set_visible(False)
        legend.update(draw(axis, index))
        axis.set_title(name, fontsize=9, loc='left')
        axis.set_xlim(0, duration_s)
    axes[-1].set_xlabel('seconds', fontsize=8)
    if legend:
        figure.legend(
            legend.values(),
            legend.keys(),
            loc='outside lower center',
            ncols=5,
            fontsize=8,
            frameon=False,
        )
    if title:
        figure.suptitle(title, fontsize=10)
    return save_figure(figure, path)
