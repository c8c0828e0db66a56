"""One picture that says whether a recogniser reads motion or appearance."""

from __future__ import annotations

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
