"""What masks let through: ``leakage.json``, ``leakage.png`` (after Figure 2 of ALBAR), a table."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from ..bias_sets.leakage import FEATURES, PROBE, WHOLE, Leakage, LeakageMeter, measure_leakage
from ..bias_sets.masks.boxes import BoundingBoxes, BoxMasks, write_box_file
from ..bias_sets.masks.parse import parse_masks
from ..bias_sets.masks.source import MaskSource
from ..bias_sets.sources import (
    SourceList,
    parts_of,
    read_source_list,
    require_files,
    require_masks,
)
from ..evaluation.results import write_results
from ..utils.errors import DatasetError
from ..utils.files import save_figure
from ..utils.numbers import number
from ..utils.text import aligned, name_some
from ..video.source_video import SourceVideo

RESULTS_NAME, FIGURE_NAME, BOXES_NAME = 'leakage.json', 'leakage.png', 'boxes.txt'
_BOXES = '{boxes}'
_COLOURS = ('#d62728', '#1f77b4', '#2ca02c', '#9467bd')
_WHOLE_COLOUR = '#9aa5b1'
#: grey of what a mask hides
_EMPTY = 235


def leakage_report(
    videos: Path,
    lists: Sequence[Path],
    silhouettes: str,
    boxes: str | None = None,
    refined: str | None = None,
    label_map: Path | None = None,
    out: Path = Path('leakage'),
    frames: int = 4,
    margin: int = 4,
    folds: int = 5,
    seed: int = 0,
    missing_masks: str = 'fail',
    workers: int = 1,
) -> tuple[list[str], int]:
    """Measure the background that boxes, and refined masks, let through.

    Args:
        videos: Folder of the videos.
        lists: Files of ``path label`` lines.
        silhouettes: Mask source that is taken as the truth.
        boxes: Mask source of the boxes; default: bounding boxes of the silhouettes.
        refined: A third mask source; ``{boxes}`` in it is the file of the boxes.
        label_map: Class names, one a line; default: ``label_map.txt`` beside the list.
        out: Folder to write to.
        frames: Frames of every video whose background is looked at.
        margin: Pixels next to the silhouette that do not count as background.
        folds: Folds of the cross-validation.
        seed: Seed of the folds.
        missing_masks: ``'fail'``, or ``'drop'`` to leave out videos without masks.
        workers: Processes.

    Returns:
        Lines for the terminal, and how many videos were left out.

    Raises:
        DatasetError: Something cannot be read or does not fit.
    """
    for name, value, least in (('frames', frames, 1), ('margin', margin, 0), ('folds', folds, 2)):
        number(value, f'--{name}', least, whole=True)
    truth = parse_masks(silhouettes)
    listed = _listed(lists, videos, label_map)
    given = parse_masks(boxes) if boxes else BoundingBoxes(truth)
    for source in (truth, given):
        listed = require_masks(source, listed, missing_masks, 'videos')
    listed.require_some()
    require_files(listed)
    sources: dict[str, MaskSource] = {'boxes': given}
    if refined:
        sources['refined'] = parse_masks(_filled(refined, given, truth, listed, out))
        listed = require_masks(sources['refined'], listed, missing_masks, 'videos')
        listed.require_some()
    meter = LeakageMeter(truth, sources, frames, margin)
    found = measure_leakage(meter, listed.videos, folds, seed, workers)
    left_out = [*listed.left_out, *found.left_out]
    if found.left_out and missing_masks != 'drop':
        more = len(found.left_out) - 1
        raise DatasetError(
            found.left_out[0]['reason']
            + (f'; and {more} more videos' if more else '')
            + '; to leave them out: --missing-masks drop'
        )
    how = dict(frames=frames, margin_px=margin, folds=folds, seed=seed)
    per_video = [
        dict(
            video=one.video.video_id,
            label=one.video.label,
            group=one.group,
            outside_share=one.outside,
            actor_kept=one.kept,
        )
        for one in found.videos
    ]
    results, protocol = out / RESULTS_NAME, _protocol(found, meter, how)
    extra = dict(left_out=left_out, videos=per_video)
    write_results(results, _metrics(found), protocol, listed.lists, seed=seed, **extra)
    figure = leakage_figure(out / FIGURE_NAME, found, meter, choose_examples(found))
    return [*_table(found), *_notes(found, left_out), str(results), str(figure)], len(left_out)


def _listed(lists: Sequence[Path], videos: Path, label_map: Path | None) -> SourceList:
    parts = [read_source_list(path, videos, label_map, training_lists=()) for path in lists]
    ids = [video.video_id for part in parts for video in part.videos]
    twice = [one for one, times in Counter(ids).items() if times > 1]
    if twice:
        raise DatasetError(
            f'--list: {len(twice)} videos are in more than one list: {name_some(twice)}'
        )
    return SourceList(
        tuple(video for part in parts for video in part.videos),
        {key: value for part in parts for key, value in part.names.items()},
        tuple(file for part in parts for file in part.lists),
    )


def _filled(spec: str, given: MaskSource, truth: MaskSource, listed: SourceList, out: Path) -> str:
    """Put the file of boxes into a mask source; boxes of silhouettes are written to one first."""
    if _BOXES not in spec:
        return spec
    holder = next(parts_of(given, BoxMasks), None)
    if holder is None and not isinstance(given, BoundingBoxes):
        raise DatasetError(
            f'--refined {spec}: {given.name} has no file of boxes to put for '
            f'{_BOXES}; name --boxes boxes:FILE'
        )
    path = holder.path if holder else write_box_file(out / BOXES_NAME, truth, listed.videos)
    return spec.replace(_BOXES, str(path))


def _metrics(found: Leakage) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for one in found.sources:
        values = dict(
            outside_share=one.outside, outside_share_se=one.outside_error, actor_kept=one.kept
        )
        values['ring_top1'], values['ring_top1_se'] = one.probe or (None, None)
        for name, value in values.items():
            if value is not None:
                metrics[f'{one.name.replace(" ", "_")}/{name}'] = 100 * value
    return metrics


def _protocol(found: Leakage, meter: LeakageMeter, how: dict[str, int]) -> dict[str, Any]:
    return dict(
        task='background_leakage',
        **how,
        silhouettes=meter.silhouettes.settings(),
        sources={name: source.settings() for name, source in meter.sources.items()},
        videos=len(found.videos),
        classes=found.classes,
        groups=found.groups,
        chance=100 / found.classes,
        largest_class=100 * found.majority,
        features=FEATURES,
        probe=PROBE,
        not_measured=found.no_probe,
        videos_without_ring={one.name: one.empty for one in found.sources},
    )


def _table(found: Leakage) -> list[str]:
    rows = [['', 'not actor, %', 'actor kept, %', 'ring top-1, %', 'no ring']]
    for one in found.sources:
        shares = (one.outside, one.outside_error), (one.kept, None), one.probe or (None, None)
        empty = '-' if one.name == WHOLE else str(one.empty)
        rows.append([one.name, *(_with_error(*share) for share in shares), empty])
    return ['  '.join(row) for row in aligned(rows)]


def _notes(found: Leakage, left_out: Sequence[dict[str, str]]) -> list[str]:
    lines = [
        f'{len(found.videos)} videos, {found.classes} classes, {found.groups} groups; '
        f'chance {100 / found.classes:.1f} %, largest class {100 * found.majority:.1f} %; '
        '+- is one standard error, groups as units'
    ]
    if found.no_probe:
        lines.append(f'ring accuracy was not measured: {found.no_probe}')
    if left_out:
        lines.append(
            f'left out {len(left_out)} videos, all in {RESULTS_NAME}: '
            f'{name_some(entry["video"] for entry in left_out)}'
        )
    return lines


def _with_error(value: float | None, error: float | None) -> str:
    if value is None:
        return '-'
    return f'{100 * value:.1f}' + (f' +- {100 * error:.1f}' if error is not None else '')


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
        _bar(axis, place, *one.probe, colours[one.name])
    highest = max(found.majority, *(sum(one.probe) for one in found.sources))
    right = len(found.sources) - 0.35
    for level, name, line, side, shift in (
        (100 / found.classes, 'chance', '--', 'top', -2),
        (100 * found.majority, 'largest class', ':', 'bottom', 2),
    ):
        axis.axhline(level, color='#444444', linestyle=line, linewidth=1)
        text, style = f'{name} {level:.1f}', dict(fontsize=8, va=side, color='#444444')
        axis.annotate(text, (right, level), (0, shift), textcoords='offset points', **style)
    labels = [one.name if one.name == WHOLE else f'ring of\n{one.name}' for one in found.sources]
    axis.set_xticks(range(len(labels)), labels, fontsize=9)
    axis.set(xlim=(-0.6, len(found.sources) + 0.35), ylim=(0, min(105, 130 * highest)))


def _bar(axis: Any, place: int, share: float, error: float | None, colour: str) -> None:
    error = None if error is None else 100 * error
    bars = axis.bar(place, 100 * share, 0.6, color=colour, yerr=error, capsize=4)
    axis.bar_label(bars, fmt='%.1f', padding=3, fontsize=10)
