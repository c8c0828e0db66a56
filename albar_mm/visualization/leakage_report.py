"""From words of the command line to ``leakage.json``, ``leakage.png`` and a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..bias_sets.leakage import FEATURES, PROBE, WHOLE, Leakage, LeakageMeter, measure_leakage
from ..bias_sets.masks.boxes import BoundingBoxes, write_box_file
from ..bias_sets.masks.parse import parse_masks
from ..bias_sets.masks.source import MaskSource, settings_of
from ..bias_sets.sources import (
    SourceList,
    boxes_inside,
    read_source_list,
    require_files,
    require_masks,
)
from ..evaluation.results import write_results
from ..utils.errors import DatasetError
from ..utils.numbers import number
from ..utils.text import aligned, name_some
from .leakage_figure import choose_examples, leakage_figure

RESULTS_NAME, FIGURE_NAME, BOXES_NAME = 'leakage.json', 'leakage.png', 'boxes.txt'
_BOXES = '{boxes}'


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
    listed = _with_masks(listed, (truth, given), missing_masks)
    require_files(listed)
    sources: dict[str, MaskSource] = {'boxes': given}
    if refined:
        sources['refined'] = parse_masks(_filled(refined, given, truth, listed, out))
        listed = _with_masks(listed, (sources['refined'],), missing_masks)
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


def _with_masks(
    listed: SourceList, sources: Sequence[MaskSource], missing_masks: str
) -> SourceList:
    for source in sources:
        listed = require_masks(source, listed, missing_masks, 'videos')
    if not listed.videos:
        raise DatasetError(
            'no video is left; left out: '
            f'{name_some({entry["reason"] for entry in listed.left_out})}'
        )
    return listed


def _filled(spec: str, given: MaskSource, truth: MaskSource, listed: SourceList, out: Path) -> str:
    """Put the file of boxes into a mask source; boxes of silhouettes are written to one first."""
    if _BOXES not in spec:
        return spec
    holder = next(boxes_inside(given), None)
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
        if one.probe:
            values |= dict(ring_top1=one.probe.accuracy, ring_top1_se=one.probe.standard_error)
        for name, value in values.items():
            if value is not None:
                metrics[f'{one.name.replace(" ", "_")}/{name}'] = 100 * value
    return metrics


def _protocol(found: Leakage, meter: LeakageMeter, how: dict[str, int]) -> dict[str, Any]:
    return dict(
        task='background_leakage',
        **how,
        silhouettes=settings_of(meter.silhouettes),
        sources={name: settings_of(source) for name, source in meter.sources.items()},
        videos=len(found.videos),
        classes=found.classes,
        groups=found.groups,
        chance=100 * found.chance,
        largest_class=100 * found.majority,
        features=FEATURES,
        probe=PROBE,
        not_measured=found.no_probe,
        videos_without_ring={one.name: one.empty for one in found.sources},
    )


def _table(found: Leakage) -> list[str]:
    rows = [['', 'not actor, %', 'actor kept, %', 'ring top-1, %', 'no ring']]
    for one in found.sources:
        ring = (one.probe.accuracy, one.probe.standard_error) if one.probe else (None, None)
        shares = (one.outside, one.outside_error), (one.kept, None), ring
        empty = '-' if one.name == WHOLE else str(one.empty)
        rows.append([one.name, *(_with_error(*share) for share in shares), empty])
    return ['  '.join(row) for row in aligned(rows)]


def _notes(found: Leakage, left_out: Sequence[dict[str, str]]) -> list[str]:
    lines = [
        f'{len(found.videos)} videos, {found.classes} classes, {found.groups} groups; '
        f'chance {100 * found.chance:.1f} %, largest class {100 * found.majority:.1f} %; '
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
