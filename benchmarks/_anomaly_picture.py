"""The picture of ``anomaly_curves.py``: scores while training, and at the end of each ablation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

PANELS = (
    ('MGFN, 28 M parameters', ('published', 'published, published code', 'by-score')),
    (
        'small MGFN, rate 1e-3',
        ('small-published', 'small-published, published code', 'by-score-faster'),
    ),
    ('small MGFN, rate 3e-4', ('small', 'small, published code', 'small-by-score')),
    ('RTFM, MIL ranking, as published', ('rtfm', 'mil')),
)
NAMES = {
    'published': 'as published',
    'published, published code': 'published code',
    'by-score': 'chosen by score, rate 3e-4',
    'small-published': 'as published',
    'small-published, published code': 'published code',
    'by-score-faster': 'chosen by score',
    'small': 'chosen by magnitude',
    'small, published code': 'published code',
    'small-by-score': 'chosen by score',
    'rtfm': 'RTFM',
    'mil': 'MIL ranking',
}
ABLATIONS = {
    'small': 'small MGFN: chosen by magnitude, all may be, rate 3e-4',
    'random-selection': 'of a random 30 %, as published',
    'faster': 'rate 1e-3, as published',
    'slower': 'rate 1e-4',
    'no-contrast': 'no contrast of magnitudes',
    'contrast-of-videos': 'contrast of each video with the next',
    'no-sparsity-smoothness': 'no sparsity, no smoothness',
    'sparsity-of-anomalous': 'sparsity of anomalous videos',
    'no-attention': 'no attention over the whole video',
    'small-by-score': 'chosen by score (recommended)',
    'by-score-faster': 'chosen by score, rate 1e-3',
    'by-score-random-selection': 'chosen by score of a random 30 %',
    'by-score-no-attention': 'chosen by score, no attention over the video',
}
SCORES = {'auc': 'AUC, all frames', 'auc_anomalous': 'AUC within\nanomalous videos'}
_COLOURS = {
    'chosen by score': '#1b7837',
    'published code': '#404040',
    'RTFM': '#8c510a',
    'MIL ranking': '#2166ac',
}
_LOST = '#c51b7d'


def draw(path: str, curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> Path:
    """Draw what was trained; rows that were not are left out.

    Args:
        path: PNG file to write.
        curves: Row -> its trainings, each with ``steps`` and the scores at them.

    Returns:
        The file.
    """
    from matplotlib.figure import Figure

    from albar_mm.utils.files import save_figure

    panels = [(title, [name for name in names if name in curves]) for title, names in PANELS]
    panels = [(title, names) for title, names in panels if names]
    ablations = [name for name in ABLATIONS if name in curves]
    figure = Figure(figsize=(3.4 * max(2, len(panels)), 7.6), layout='constrained')
    above, below = figure.subfigures(2, 1, height_ratios=(1, 0.95))
    for column, (title, names) in enumerate(panels):
        for row, (score, label) in enumerate(SCORES.items()):
            axis = above.add_subplot(2, len(panels), row * len(panels) + column + 1)
            for name in names:
                _curve(axis, NAMES[name], curves[name], score)
            _style(axis)
            if not row:
                axis.set_title(title, fontsize=9)
                axis.legend(fontsize=7, frameon=False, loc='lower left')
            else:
                axis.set_xlabel('training steps', fontsize=8)
            if not column:
                axis.set_ylabel(label, fontsize=8)
    if ablations:
        _ablations(below.add_subplot(1, 1, 1), {name: curves[name] for name in ablations})
    return save_figure(figure, Path(path))


def _curve(axis: Any, label: str, runs: Sequence[Mapping[str, Any]], score: str) -> None:
    values = np.array([run[score] for run in runs if not run['noise']])
    steps, colour = runs[0]['steps'], _COLOURS.get(label.partition(',')[0], _LOST)
    # the published code lies on ours where it does the same
    style = dict(linestyle=(0, (4, 2)), linewidth=1.2) if 'code' in label else dict(linewidth=2)
    axis.plot(steps, values.mean(0), color=colour, label=label, **style)
    if 'code' not in label:  # two bands on each other cannot be told apart
        axis.fill_between(
            steps, values.min(0), values.max(0), color=colour, alpha=0.14, linewidth=0
        )
    axis.set_xscale('log')  # what is found early is lost late
    axis.set_xlim(steps[0], steps[-1])
    ticks = [2**power for power in range(11) if steps[0] <= 2**power <= steps[-1]]
    axis.set_xticks(ticks, map(str, ticks))
    axis.set_xticks([], minor=True)


def _style(axis: Any) -> None:
    axis.axhline(50, color='#999999', linewidth=0.8, linestyle=':')
    axis.set_ylim(0, 102)
    axis.tick_params(labelsize=8)
    for side in ('top', 'right'):
        axis.spines[side].set_visible(False)


def _ablations(axis: Any, curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    names = list(curves)
    for place, name in enumerate(reversed(names)):
        last = [run['auc_anomalous'][-1] for run in curves[name] if not run['noise']]
        colour = _COLOURS['chosen by score'] if 'by-score' in name else _LOST
        axis.plot(
            last,
            [place] * len(last),
            'o',
            color=colour,
            alpha=0.35,
            markersize=6,
            markeredgewidth=0,
        )
        axis.plot(np.mean(last), place, '|', color=colour, markersize=16, markeredgewidth=2.5)
    axis.set_yticks(range(len(names)), [ABLATIONS[name] for name in reversed(names)], fontsize=8)
    axis.axvline(50, color='#999999', linewidth=0.8, linestyle=':')
    axis.set_xlim(0, 102)
    axis.tick_params(axis='x', labelsize=8)
    axis.set_title(
        'one thing changed: AUC within anomalous videos at the end of 640 steps '
        '(a dot a seed, a bar their mean)',
        fontsize=9,
    )
    for side in ('top', 'right'):
        axis.spines[side].set_visible(False)
