"""What masks let through, as pictures and as bars (after Figure 2 of the ALBAR paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from ..bias_sets.leakage import WHOLE, Leakage, LeakageMeter
from ..utils.files import save_figure
from ..video.source_video import SourceVideo

_COLOURS = ('#d62728', '#1f77b4', '#2ca02c', '#9467bd')
_WHOLE_COLOUR = '#9aa5b1'
_EMPTY = 235
"""Grey of what a mask hides."""


def choose_examples(found: Leakage, count: int = 3) -> list[SourceVideo]:
    """Videos from little to much background, of different classes where possible.

    Args:
        found: What was measured; its first source decides.
        count: Number of examples, at most.
    """
    name = found.sources[0].name
    measured = [one for one in found.videos if one.outside[name] is not None]
    ordered = [
        one.video
        for one in sorted(measured, key=lambda one: (one.outside[name], one.video.video_id))
    ]
    chosen: list[SourceVideo] = []
    count = min(count, len(ordered))
    for place in range(count):
        wanted = round((place + 1) * (len(ordered) - 1) / (count + 1))
        nearest = sorted(range(len(ordered)), key=lambda i, w=wanted: abs(i - w))
        videos = [ordered[i] for i in nearest if ordered[i] not in chosen]
        seen = {video.label for video in chosen}
        chosen.append(next((v for v in videos if v.label not in seen), videos[0]))
    return chosen


def leakage_figure(
    path: Path, found: Leakage, meter: LeakageMeter, examples: Sequence[SourceVideo]
) -> Path:
    """Draw examples over two bar charts.

    Args:
        path: PNG file to write, whole or not at all.
        found: What was measured.
        meter: How; gives the pictures of the examples.
        examples: Videos to show, at least one, from :func:`choose_examples`.

    Returns:
        ``path``.

    Raises:
        DatasetError: An example cannot be read any more.
    """
    from matplotlib.figure import Figure

    columns, rows = 2 + 2 * len(meter.sources), len(examples)
    figure = Figure(figsize=(2.05 * columns + 0.4, 1.75 * rows + 4.3), layout='constrained')
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.75 * rows + 0.5, 3.6))
    upper.suptitle(f'Background that masks let through ({len(found.videos)} videos)', fontsize=13)
    axes = upper.subplots(rows, columns, squeeze=False)
    for row, video in zip(axes, examples, strict=True):
        _draw_example(row, video, meter, first=video is examples[0])
    left, right = lower.subplots(1, 2, width_ratios=(1, 1.25))
    colours = {one.name: colour for one, colour in zip(found.sources, cycle(_COLOURS))}
    colours[WHOLE] = _WHOLE_COLOUR
    _draw_shares(left, found, colours)
    _draw_accuracies(right, found, colours)
    for axis in (left, right):
        axis.spines[['top', 'right']].set_visible(False)
    return save_figure(figure, path)


def _draw_example(axes: Any, video: SourceVideo, meter: LeakageMeter, first: bool) -> None:
    frames, truth, regions = meter.rings(video)
    video.forget_frames()
    middle = len(frames) // 2
    frame = frames[middle]
    pictures = [('source', frame)]
    for name, (masks, rings) in regions.items():
        pictures += [
            (name, _only(frame, masks[middle])),
            (f'{name}: ring', _only(frame, rings[middle])),
        ]
    pictures.append(('silhouette', _only(frame, truth[middle])))
    for axis, (title, picture) in zip(axes, pictures, strict=True):
        axis.imshow(picture, interpolation='lanczos')
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_color('#cccccc')
        if first:
            axis.set_title(title, fontsize=10)
    axes[0].set_ylabel(video.class_name or video.path.parent.name, fontsize=9)


def _only(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.where(mask[..., None], frame, np.uint8(_EMPTY))


def _draw_shares(axis: Any, found: Leakage, colours: Mapping[str, str]) -> None:
    sources = [one for one in found.sources if one.outside is not None]
    for place, one in enumerate(sources):
        _bar(axis, place, one.outside, one.outside_error, colours[one.name])
    kept = [f'{one.name}\n(keeps {100 * (one.kept or 0):.0f} % of the actor)' for one in sources]
    axis.set_xticks(range(len(sources)), kept, fontsize=9)
    axis.set(xlim=(-0.6, len(sources) - 0.4), ylim=(0, 100))
    axis.set_title('Shown pixels that are not actor, %', fontsize=11, loc='left')


def _draw_accuracies(axis: Any, found: Leakage, colours: Mapping[str, str]) -> None:
    axis.set_title('Action told from the ring alone, top-1 %', fontsize=11, loc='left')
    if found.no_probe:
        style = dict(ha='center', va='center', fontsize=10, color='#666666', wrap=True)
        text = f'not measured:\n{found.no_probe}'
        axis.text(0.5, 0.5, text, transform=axis.transAxes, **style)
        axis.set(xticks=[], yticks=[])
        return
    for place, one in enumerate(found.sources):
        _bar(axis, place, one.probe.accuracy, one.probe.standard_error, colours[one.name])
    probes = [one.probe for one in found.sources]
    highest = max(found.majority, *(probe.accuracy + probe.standard_error for probe in probes))
    right = len(found.sources) - 0.35
    for level, name, line, side, shift in (
        (100 * found.chance, 'chance', '--', 'top', -2),
        (100 * found.majority, 'largest class', ':', 'bottom', 2),
    ):
        axis.axhline(level, color='#444444', linestyle=line, linewidth=1)
        text, style = f'{name} {level:.1f}', dict(fontsize=8, va=side, color='#444444')
        axis.annotate(text, (right, level), (0, shift), textcoords='offset points', **style)
    labels = [one.name if one.name == WHOLE else f'ring of\n{one.name}' for one in found.sources]
    axis.set_xticks(range(len(labels)), labels, fontsize=9)
    axis.set(xlim=(-0.6, len(found.sources) + 0.35), ylim=(0, min(105, 130 * highest)))


def _bar(axis: Any, place: int, share: float, error: float | None, colour: str) -> None:
    value, error = 100 * share, None if error is None else 100 * error
    axis.bar(place, value, 0.6, color=colour, yerr=error, capsize=4)
    top, style = value + (error or 0), dict(ha='center', va='bottom', fontsize=10)
    axis.annotate(f'{value:.1f}', (place, top), (0, 3), textcoords='offset points', **style)
