"""The comparison of the methods as one picture: a panel per score, a row per method."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..evaluation.tables import COMPARISON_COLUMNS
from ..utils.files import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WISHES = {
    'IID': 'higher is better',
    'SCUBA': 'higher is better',
    'SCUFO': 'lower is better',
    'Confl-FG': 'higher is better',
    'Contrasted': 'higher is better',
}
# bars differ in lightness too, for grey print and colour-blind readers; whiskers are seen on both
_PLAIN, _BEST, _WHISKER = '#ccd4db', '#0b5394', '#d95f02'
_ROOM = 22  # right of the longest bar, in percent: for its number


def comparison_figure(
    path: str | os.PathLike, results: Mapping[str, Sequence[Mapping[str, float]]], title: str
) -> Path:
    """Draw every score of every method.

    Args:
        path: PNG or PDF file to write.
        results: Row name -> metrics of each of its seeds, in percent, with the keys of
            :func:`albar_mm.evaluation.functional.bias_scores`. Bars are means, whiskers one sample
            standard deviation; the best mean of a panel is dark, its number bold. A score that some
            run lacks has no panel.
        title: Heading.

    Returns:
        The file.

    Raises:
        ValueError: No methods, one without a run, or no score that every run has.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not results or not all(results.values()):
        raise ValueError('comparison_figure needs at least one run of every method')
    path = Path(path)
    columns = [
        c
        for c in COMPARISON_COLUMNS
        if all(c[1] in run for runs in results.values() for run in runs)
    ]
    if not columns:
        raise ValueError(
            'comparison_figure: no score that every run has; expected some of '
            f'{", ".join(key for _, key in COMPARISON_COLUMNS)} (BiasMetric)'
        )
    narrow = len(columns) < 3
    figure = Figure(
        figsize=(2.5 * len(columns) + 1.4, 0.36 * len(results) + 1.7 + 0.4 * narrow),
        dpi=130,
        layout='constrained',
    )
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    axes = np.atleast_1d(figure.subplots(1, len(columns), sharey=True))
    bars = [
        _Bars.of([[run[key] for run in runs] for runs in results.values()], label == 'SCUFO')
        for label, key in columns
    ]
    longest = max([100.0, *(end for panel in bars for end in panel.ends)])
    for ax, (label, _), panel in zip(axes, columns, bars, strict=True):
        _panel(ax, label, panel, longest + _ROOM)
    axes[0].set_yticks(range(len(results)), list(results), fontsize=10)
    axes[0].set_ylim(len(results) - 0.45, -0.55)
    _legend(figure, any(any(panel.spreads) for panel in bars), stacked=narrow)
    return save_figure(figure, path)


@dataclass(frozen=True)
class _Bars:
    means: tuple[float, ...]
    spreads: tuple[float, ...]
    best: float

    @classmethod
    def of(cls, values: Sequence[Sequence[float]], lower_is_better: bool) -> _Bars:
        means = tuple(statistics.fmean(v) for v in values)
        return cls(
            means,
            tuple(statistics.stdev(v) if len(v) > 1 else 0.0 for v in values),
            min(means) if lower_is_better else max(means),
        )

    @property
    def ends(self) -> tuple[float, ...]:
        return tuple(mean + sd for mean, sd in zip(self.means, self.spreads, strict=True))


def _panel(ax: Axes, label: str, bars: _Bars, width: float) -> None:
    colours = [_BEST if mean == bars.best else _PLAIN for mean in bars.means]
    ax.barh(
        range(len(colours)),
        bars.means,
        0.72,
        color=colours,
        xerr=[sd or math.nan for sd in bars.spreads],  # none for a lone seed
        error_kw=dict(ecolor=_WHISKER, capsize=2.5, elinewidth=1.6, capthick=1.6),
    )
    for y, (mean, end) in enumerate(zip(bars.means, bars.ends, strict=True)):
        ax.text(
            end + 1.5,
            y,
            f'{mean:.1f}',
            va='center',
            fontsize=9,
            fontweight='bold' if mean == bars.best else 'normal',
        )
    ax.set_title(label, fontsize=11, pad=18, fontweight='bold')
    ax.annotate(
        _WISHES.get(label, ''),
        (0.5, 1),
        (0, 5),
        'axes fraction',
        'offset points',
        ha='center',
        va='bottom',
        fontsize=8.5,
        color='#555555',
    )
    ax.set_xlim(0, width)
    ax.set_xticks(range(0, 101, 25))
    ax.tick_params(axis='y', length=0)
    ax.tick_params(axis='x', labelsize=9)
    ax.grid(axis='x', color='#e6e6e6', linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[['top', 'right', 'left']].set_visible(False)
    ax.set_xlabel('top-1, %', fontsize=9)


def _legend(figure: Figure, with_spread: bool, stacked: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [Patch(color=_BEST, label='best mean'), Patch(color=_PLAIN, label='other rows')]
    if with_spread:
        handles.append(
            Line2D(
                [],
                [],
                color=_WHISKER,
                marker='|',
                linewidth=1.6,
                label='± 1 standard deviation over seeds',
            )
        )
    figure.legend(
        handles=handles,
        loc='outside lower center',
        frameon=False,
        fontsize=9,
        ncols=1 if stacked else len(handles),
    )
