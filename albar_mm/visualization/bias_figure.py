"""Accuracies per set as bars: whether a recogniser reads motion or appearance."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..evaluation.tables import COMPARISON_COLUMNS, mean_sd
from ..utils.files import save_figure

_NOTES = {
    'IID': 'as in training',
    'SCUBA': 'background replaced\nhigher is better',
    'SCUFO': 'same, one still frame\nlower is better',
    'Confl-FG': 'still actor of\nanother class added',
    'Contrasted': 'SCUBA right and\nits SCUFO wrong',
}
_COLOURS = ('#9aa5b1', '#1f77b4', '#2ca02c', '#d62728', '#9467bd')
# bars differ in lightness too, for grey print and colour-blind readers; whiskers are seen on both
_PLAIN, _BEST, _WHISKER = '#ccd4db', '#0b5394', '#d95f02'
_ROOM = 22  # right of the longest bar, in percent: for its number


def bias_figure(
    path: str | os.PathLike,
    results: Mapping[str, Sequence[Mapping[str, float]]],
    strips: Mapping[str, np.ndarray],
    chance: float,
    title: str,
) -> Path:
    """Draw accuracies per set for several models, over a strip of example clips of each set.

    Args:
        path (str | os.PathLike): PNG or PDF file to write.
        results (Mapping): Model name to the metrics of each of its seeds, in percent, with the keys
            of :func:`albar_mm.evaluation.functional.bias_scores`. Bars are means, whiskers one
            sample standard deviation.
        strips (Mapping): Set name to one clip, uint8 RGB (T, H, W, 3).
        chance (float): Chance level in percent, drawn as a line.
        title (str): Heading.

    Returns:
        Path: The file.

    Raises:
        ValueError: If a model has no runs or there is no strip.
    """
    from matplotlib.figure import Figure

    if not strips or not all(results.values()):
        raise ValueError('bias_figure needs at least one clip and one run of every model')
    rows = len(strips)
    figure = Figure(figsize=(10, 4.2 + 0.95 * rows), layout='constrained')
    upper, lower = figure.subfigures(2, 1, height_ratios=(4.2, 0.95 * rows))
    upper.suptitle(title, fontsize=13)
    _draw_bars(upper.subplots(), results, chance)
    for ax, strip in zip(np.atleast_1d(lower.subplots(rows, 1)), strips.items(), strict=True):
        _draw_strip(ax, *strip)
    return save_figure(figure, path)


def _draw_bars(ax: Any, results: Mapping, chance: float) -> None:
    width = 0.8 / len(results)
    for i, (name, runs) in enumerate(results.items()):
        centres = np.arange(len(COMPARISON_COLUMNS)) + (i - (len(results) - 1) / 2) * width
        bars = [mean_sd([run[key] for run in runs]) for _, key in COMPARISON_COLUMNS]
        ax.bar(
            centres,
            [mean for mean, _ in bars],
            width * 0.94,
            label=name,
            color=_COLOURS[i % len(_COLOURS)],
            yerr=[sd for _, sd in bars] if any(sd for _, sd in bars) else None,
            capsize=3,
        )
        box = dict(facecolor='white', edgecolor='none', pad=0.5)
        style = dict(ha='center', va='bottom', fontsize=9, bbox=box, zorder=3)
        for x, (mean, sd) in zip(centres, bars, strict=True):
            ax.text(x, mean + (sd or 0) + 1.5, f'{mean:.1f}', **style)
    ax.axhline(chance, color='#444444', linewidth=1, linestyle='--', zorder=2)
    ax.text(-0.88, chance + 1, 'chance', fontsize=8, color='#444444')
    labels = [f'{name}\n{_NOTES[name]}' for name, _ in COMPARISON_COLUMNS]
    ax.set_xticks(range(len(labels)), labels, fontsize=9)
    ax.set(xlim=(-0.9, len(labels) - 0.5), ylim=(0, 112), yticks=range(0, 101, 20))
    ax.set_ylabel('top-1, %')
    ax.spines[['top', 'right']].set_visible(False)
    ax.legend(loc='upper right', frameon=False, ncols=len(results))


def _draw_strip(ax: Any, name: str, clip: np.ndarray) -> None:
    gap = np.full((clip.shape[1], 2, 3), 255, dtype=np.uint8)
    tiles = [tile for frame in clip for tile in (frame, gap)][:-1]
    ax.imshow(np.concatenate(tiles, axis=1), interpolation='nearest', aspect='equal')
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.set_ylabel(name, rotation=0, ha='right', va='center', fontsize=9)


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
        _draw_panel(ax, label, bars, max(100.0, longest) + _ROOM)
    axes[0].set_yticks(range(len(results)), list(results), fontsize=10)
    axes[0].set_ylim(len(results) - 0.45, -0.55)
    _draw_legend(figure, any(sd for bars in panels.values() for _, sd in bars), stacked=narrow)
    return save_figure(figure, path)


def _draw_panel(
    ax: Any, label: str, bars: Sequence[tuple[float, float | None]], width: float
) -> None:
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


def _draw_legend(figure: Any, with_spread: bool, stacked: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [Patch(color=_BEST, label='best mean'), Patch(color=_PLAIN, label='other rows')]
    if with_spread:
        label = '± 1 standard deviation over seeds'
        handles.append(Line2D([], [], color=_WHISKER, marker='|', linewidth=1.6, label=label))
    columns = 1 if stacked else len(handles)
    place = dict(loc='outside lower center', frameon=False, fontsize=9, ncols=columns)
    figure.legend(handles=handles, **place)
