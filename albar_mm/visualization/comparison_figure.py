"""The comparison of the methods as one picture: a panel per score, a row per method."""

import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..evaluation.tables import COMPARISON_COLUMNS

_WISHES = {'IID': 'higher is better', 'SCUBA': 'higher is better', 'SCUFO': 'lower is better',
           'Confl-FG': 'higher is better', 'Contrasted': 'higher is better'}  # fmt: skip
_PLAIN, _LEAD, _FIRST = '#b8c4d0', '#4c86b8', '#1b9e4b'


def comparison_figure(
    path: str | os.PathLike, results: Mapping[str, Sequence[Mapping[str, float]]], title: str
) -> Path:
    """Draw every score of every method.

    Args:
        path: PNG or PDF file to write.
        results: Row name -> metrics of each of its seeds, in percent, with the keys of
            :func:`albar_mm.evaluation.functional.bias_scores`. Bars are means, whiskers one sample
            standard deviation; the best mean of a panel is green.
        title: Heading.

    Returns:
        The file.

    Raises:
        ValueError: No methods, or one without a run.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not results or not all(results.values()):
        raise ValueError('comparison_figure needs at least one run of every method')
    path = Path(path)
    columns = [c for c in COMPARISON_COLUMNS
               if all(c[1] in run for runs in results.values() for run in runs)]  # fmt: skip
    figure = Figure(figsize=(2.5 * len(columns) + 1.4, 0.42 * len(results) + 1.5),
                    layout='constrained')  # fmt: skip
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    axes = np.atleast_1d(figure.subplots(1, len(columns), sharey=True))
    for ax, (label, key) in zip(axes, columns, strict=True):
        values = [[run[key] for run in runs] for runs in results.values()]
        _panel(ax, label, values)
    axes[0].set_yticks(range(len(results)), list(results), fontsize=10)
    axes[0].invert_yaxis()
    temporary = path.with_name(f'.{path.stem}.{os.getpid()}{path.suffix}')
    figure.savefig(temporary, dpi=130)
    os.replace(temporary, path)
    return path


def _panel(ax: object, label: str, values: Sequence[Sequence[float]]) -> None:
    means = [statistics.fmean(v) for v in values]
    spread = [statistics.stdev(v) if len(v) > 1 else 0.0 for v in values]
    best = min(means) if label == 'SCUFO' else max(means)
    plain = _LEAD if label == 'Contrasted' else _PLAIN
    colours = [_FIRST if mean == best else plain for mean in means]
    ax.barh(range(len(means)), means, 0.72, color=colours, xerr=spread if any(spread) else None,
            error_kw=dict(ecolor='#444444', capsize=2, linewidth=1))  # fmt: skip
    for y, (mean, sd) in enumerate(zip(means, spread, strict=True)):
        ax.text(mean + sd + 1.5, y, f'{mean:.1f}', va='center', fontsize=9)
    ax.set_title(f'{label}\n', fontsize=11, pad=2, fontweight='bold')
    ax.text(0.5, 1.01, _WISHES.get(label, ''), transform=ax.transAxes, ha='center', va='bottom',
            fontsize=8, color='#555555')  # fmt: skip
    ax.set_xlim(0, 118)
    ax.set_xticks(range(0, 101, 25))
    ax.tick_params(axis='y', length=0)
    ax.grid(axis='x', color='#e6e6e6', linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[['top', 'right', 'left']].set_visible(False)
    ax.set_xlabel('top-1, %', fontsize=9)
