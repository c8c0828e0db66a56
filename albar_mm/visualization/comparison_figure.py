"""The comparison of the methods as one picture: a panel per score, a row per method."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..evaluation.tables import COMPARISON_COLUMNS, mean_sd
from ..utils.files import save_figure

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
    from matplotlib.figure import Figure

    if not results or not all(results.values()):
        raise ValueError('comparison_figure needs at least one run of every method')
    panels = {
        label: [mean_sd([run[key] for run in runs]) for runs in results.values()]
        for label, key in COMPARISON_COLUMNS
        if all(key in run for runs in results.values() for run in runs)
    }
    if not panels:
        raise ValueError(
            'comparison_figure: no score that every run has; expected some of '
            f'{", ".join(key for _, key in COMPARISON_COLUMNS)} (BiasMetric)'
        )
    narrow = len(panels) < 3
    size = 2.5 * len(panels) + 1.4, 0.36 * len(results) + 1.7 + 0.4 * narrow
    figure = Figure(figsize=size, dpi=130, layout='constrained')
    figure.suptitle(title, fontsize=11)
    axes = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    longest = max(mean + (sd or 0) for bars in panels.values() for mean, sd in bars)
    for ax, (label, bars) in zip(axes, panels.items(), strict=True):
        _panel(ax, label, bars, max(100.0, longest) + _ROOM)
    axes[0].set_yticks(range(len(results)), list(results), fontsize=10)
    axes[0].set_ylim(len(results) - 0.45, -0.55)
    _legend(figure, any(sd for bars in panels.values() for _, sd in bars), stacked=narrow)
    return save_figure(figure, path)


def _panel(ax: Any, label: str, bars: Sequence[tuple[float, float | None]], width: float) -> None:
    means = [mean for mean, _ in bars]
    best, wish = (min(means), 'lower') if label == 'SCUFO' else (max(means), 'higher')
    ax.barh(
        range(len(bars)),
        means,
        0.72,
        color=[_BEST if mean == best else _PLAIN for mean in means],
        xerr=[sd or math.nan for _, sd in bars],  # none for a lone seed
        error_kw=dict(ecolor=_WHISKER, capsize=2.5, elinewidth=1.6, capthick=1.6),
    )
    for y, (mean, sd) in enumerate(bars):
        weight = 'bold' if mean == best else 'normal'
        end = mean + (sd or 0)
        ax.text(end + 1.5, y, f'{mean:.1f}', va='center', fontsize=9, fontweight=weight)
    ax.set_title(label, fontsize=11, pad=18, fontweight='bold')
    note = dict(ha='center', va='bottom', fontsize=8.5, color='#555555')
    ax.annotate(f'{wish} is better', (0.5, 1), (0, 5), 'axes fraction', 'offset points', **note)
    ax.set(xlim=(0, width), xticks=range(0, 101, 25), axisbelow=True)
    ax.tick_params(axis='y', length=0)
    ax.tick_params(axis='x', labelsize=9)
    ax.grid(axis='x', color='#e6e6e6', linewidth=0.8)
    ax.spines[['top', 'right', 'left']].set_visible(False)
    ax.set_xlabel('top-1, %', fontsize=9)


def _legend(figure: Any, with_spread: bool, stacked: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [Patch(color=_BEST, label='best mean'), Patch(color=_PLAIN, label='other rows')]
    if with_spread:
        label = '± 1 standard deviation over seeds'
        handles.append(Line2D([], [], color=_WHISKER, marker='|', linewidth=1.6, label=label))
    columns = 1 if stacked else len(handles)
    place = dict(loc='outside lower center', frameon=False, fontsize=9, ncols=columns)
    figure.legend(handles=handles, **place)
