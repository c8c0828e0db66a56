"""What masks let through, as pictures and as bars (after Figure 2 of the ALBAR paper)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..bias_sets.leakage import WHOLE, Leakage, LeakageMeter, SourceLeakage
from ..utils.files import write_bytes
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
    ordered = sorted(
        (one for one in found.videos if one.outside[name] is not None),
        key=lambda one: (one.outside[name], one.video.video_id),
    )
    chosen: list[SourceVideo] = []
    count = min(count, len(ordered))
    for place in range(count):
        wanted = round((place + 1) * (len(ordered) - 1) / (count + 1))
        nearest = sorted(range(len(ordered)), key=lambda i, w=wanted: abs(i - w))
        videos = [ordered[i].video for i in nearest if ordered[i].video not in chosen]
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
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = 2 + 2 * len(meter.sources)
    figure = Figure(
        figsize=(2.05 * columns + 0.4, 1.75 * len(examples) + 4.3), layout='constrained'
    )
    FigureCanvasAgg(figure)
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.75 * len(examples) + 0.5, 3.6))
    upper.suptitle(f'Background that masks let through ({len(found.videos)} videos)', fontsize=13)
    for row, video in zip(
        upper.subplots(len(examples), columns, squeeze=False), examples, strict=True
    ):
        _draw_example(row, video, meter, first=video is examples[0])
    left, right = lower.subplots(1, 2, width_ratios=(1, 1.25))
    _draw_shares(left, found)
    _draw_accuracies(right, found)
    content = io.BytesIO()
    figure.savefig(content, format='png', dpi=130)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content.getvalue())
    return path


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
        axis.set_xticks([])
        axis.set_yticks([])
        for spine in axis.spines.values():
            spine.set_color('#cccccc')
        if first:
            axis.set_title(title, fontsize=10)
    axes[0].set_ylabel(video.class_name or video.path.parent.name, fontsize=9)


def _only(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.where(mask[..., None], frame, np.uint8(_EMPTY))


def _draw_shares(axis: Any, found: Leakage) -> None:
    sources = [one for one in found.sources if one.outside is not None]
    for place, one in enumerate(sources):
        error = 100 * one.outside_error if one.outside_error is not None else None
        _bar(axis, place, 100 * (one.outside or 0), error, _colour(found, one))
    kept = [f'{one.name}\n(keeps {100 * (one.kept or 0):.0f} % of the actor)' for one in sources]
    axis.set_xticks(range(len(sources)), kept, fontsize=9)
    axis.set_xlim(-0.6, len(sources) - 0.4)
    axis.set_ylim(0, 100)
    axis.set_title('Shown pixels that are not actor, %', fontsize=11, loc='left')
    axis.spines[['top', 'right']].set_visible(False)


def _draw_accuracies(axis: Any, found: Leakage) -> None:
    axis.set_title('Action told from the ring alone, top-1 %', fontsize=11, loc='left')
    axis.spines[['top', 'right']].set_visible(False)
    if found.no_probe:
        axis.text(
            0.5,
            0.5,
            f'not measured:\n{found.no_probe}',
            ha='center',
            va='center',
            fontsize=10,
            color='#666666',
            wrap=True,
            transform=axis.transAxes,
        )
        axis.set_xticks([])
        axis.set_yticks([])
        return
    highest = 0.0
    for place, one in enumerate(found.sources):
        value, error = 100 * one.probe.accuracy, 100 * one.probe.standard_error
        _bar(axis, place, value, error, _colour(found, one))
        highest = max(highest, value + error)
    axis.axhline(100 * found.chance, color='#444444', linestyle='--', linewidth=1)
    axis.axhline(100 * found.majority, color='#444444', linestyle=':', linewidth=1)
    right = len(found.sources) - 0.35
    for level, name, side in (
        (found.chance, 'chance', 'top'),
        (found.majority, 'largest class', 'bottom'),
    ):
        axis.annotate(
            f'{name} {100 * level:.1f}',
            (right, 100 * level),
            fontsize=8,
            va=side,
            xytext=(0, 2 if side == 'bottom' else -2),
            textcoords='offset points',
            color='#444444',
        )
    labels = [one.name if one.name == WHOLE else f'ring of\n{one.name}' for one in found.sources]
    axis.set_xticks(range(len(labels)), labels, fontsize=9)
    axis.set_xlim(-0.6, len(found.sources) + 0.35)
    axis.set_ylim(0, min(105, 1.3 * max(highest, 100 * found.majority)))


def _bar(axis: Any, place: int, value: float, error: float | None, colour: str) -> None:
    axis.bar(place, value, 0.6, color=colour, yerr=error, capsize=4)
    top = value + (error or 0)
    axis.annotate(
        f'{value:.1f}',
        (place, top),
        xytext=(0, 3),
        textcoords='offset points',
        ha='center',
        va='bottom',
        fontsize=10,
    )


def _colour(found: Leakage, one: SourceLeakage) -> str:
    if one.name == WHOLE:
        return _WHOLE_COLOUR
    return _COLOURS[found.sources.index(one) % len(_COLOURS)]
