"""Pictures of actions over time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from albar_mm.utils.files import save_figure

from .detect import DetectedVideo


def timelines(
    path: str | os.PathLike,
    rows: Sequence[Mapping[str, DetectedVideo]],
    classes: Sequence[str],
    title: str = '',
) -> Path:
    """Draw the actions of videos as bars, a panel for each.

    A class has one colour throughout; the height of a bar is its score (annotation fills its lane).

    Args:
        path: PNG or PDF file to write.
        rows: For each video the actions by who tells them, e.g. ``'truth'`` and detectors.
        classes: Names by label.
        title: Heading.

    Returns:
        The file.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    shown = sorted({int(label) for row in rows for video in row.values() for label in video.labels})
    palette = colormaps['tab10' if len(shown) <= 10 else 'tab20']
    colours = {label: palette(place % palette.N) for place, label in enumerate(shown)}
    lanes = max(len(row) for row in rows)
    figure = Figure(figsize=(9, 1.2 + (0.35 + 0.34 * lanes) * len(rows)), layout='constrained')
    axes = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for axis, row in zip(axes, rows, strict=True):
        names = list(row)
        for lane, (name, video) in enumerate(row.items()):
            base = len(names) - 1 - lane
            axis.axhline(base, color='#d5d9de', linewidth=0.8, zorder=0)
            # the best come last, over the others
            for at in np.argsort(video.scores, kind='stable'):
                begin, end = video.segments[at]
                axis.bar(
                    begin,
                    0.8 * video.scores[at],
                    end - begin,
                    bottom=base,
                    align='edge',
                    color=colours[int(video.labels[at])],
                    edgecolor='white',
                    linewidth=0.6,
                    alpha=0.9,
                    label=name,
                )
        video = next(iter(row.values()))
        axis.set_title(video.name, fontsize=9, loc='left')
        axis.set_xlim(0, video.duration_s)
        axis.set_ylim(-0.08, len(names) - 0.1)
        axis.set_yticks([len(names) - 1 - lane + 0.4 for lane in range(len(names))], names)
        axis.tick_params(labelsize=8, left=False)
        for side in ('top', 'right', 'left'):
            axis.spines[side].set_visible(False)
    axes[-1].set_xlabel('seconds', fontsize=8)
    if colours:
        figure.legend(
            [Patch(color=colour) for colour in colours.values()],
            [classes[label] for label in colours],
            loc='outside lower center',
            ncols=5,
            fontsize=8,
            frameon=False,
        )
    if title:
        figure.suptitle(title, fontsize=10)
    return save_figure(figure, Path(path))
