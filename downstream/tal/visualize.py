"""Pictures of actions over time."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..detection.runs import draw_panels


@dataclass(frozen=True)
class DetectedVideo:
    """Actions of a video, detected or annotated.

    Attributes:
        name: The video.
        duration_s: Its length.
        segments: Begin and end of each in seconds, shape (n, 2).
        labels: Class of each, int, shape (n,).
        scores: In [0, 1], best first, shape (n,); all 1 for annotation.
    """

    name: str
    duration_s: float
    segments: np.ndarray
    labels: np.ndarray
    scores: np.ndarray

    def at_least(self, score: float) -> 'DetectedVideo':
        """Those of at least this score."""
        kept = self.scores >= score
        found = self.segments[kept], self.labels[kept], self.scores[kept]
        return DetectedVideo(self.name, self.duration_s, *found)


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
    """
    from matplotlib import colormaps
    from matplotlib.patches import Patch

    shown = sorted({int(label) for row in rows for video in row.values() for label in video.labels})
    palette = colormaps['tab10' if len(shown) <= 10 else 'tab20']
    colours = {label: palette(place % palette.N) for place, label in enumerate(shown)}
    legend = {classes[label]: Patch(color=colour) for label, colour in colours.items()}
    style = dict(align='edge', edgecolor='white', linewidth=0.6, alpha=0.9)

    def draw(axis: Any, index: int) -> dict[str, Patch]:
        names = list(rows[index])
        lanes = range(len(names) - 1, -1, -1)
        for base, video in zip(lanes, rows[index].values(), strict=True):
            axis.axhline(base, color='#d5d9de', linewidth=0.8, zorder=0)
            # the best come last, over the others
            for at in np.argsort(video.scores, kind='stable'):
                begin, end = video.segments[at]
                colour, height = colours[int(video.labels[at])], 0.8 * video.scores[at]
                axis.bar(begin, height, end - begin, bottom=base, color=colour, **style)
        axis.set_ylim(-0.08, len(names) - 0.1)
        axis.set_yticks([base + 0.4 for base in lanes], names)
        axis.tick_params(left=False)
        axis.spines['left'].set_visible(False)
        return legend

    videos = [next(iter(row.values())) for row in rows]
    height = 1.2 + (0.35 + 0.34 * max(map(len, rows))) * len(rows)
    panels = [(video.name, video.duration_s) for video in videos]
    return draw_panels(path, panels, height, draw, title)
