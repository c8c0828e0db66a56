"""Building a benchmark: survey, plan, export, manifests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2

from ..annotations.manifest import write_set
from ..compositing.backgrounds import Backgrounds, ImageFolder
from ..utils.errors import DatasetError
from ..utils.files import write_text
from ..utils.parallel import map_videos
from ..utils.text import name_some
from .availability import require_masks
from .export import Exporter, SourceResult, SourceTask
from .masks.source import MaskSource, settings_of
from .masks.union import CoverFilter
from .plan import BuildSettings, complete_row, plan_rows
from .sources import SourceList, require_files
from .survey import Surveyor, sort_out

BENCHMARK_NAME, REPORT_NAME, PLAN_NAME = 'benchmark.json', 'report.json', 'plan.jsonl'
MISSING_MASKS = ('fail', 'drop')
_SHOWN = 10


@dataclass(frozen=True)
class Built:
    """What a build made.

    Attributes:
        root: Folder of the benchmark.
        counts: Folder of a set -> number of items.
        videos: Number of source videos.
        frames: Frames in all items.
        left_out: ``video`` and ``reason`` of listed videos without items.
        filled: Source video -> frames that had no mask of their own.
        rejected: Background family -> images that were refused.
        notes: Counts that the mask source took, over all videos.
        written: Files written by this run; the others were there.
    """

    root: Path
    counts: dict[str, int]
    videos: int
    frames: int
    left_out: tuple[dict[str, str], ...]
    filled: dict[str, list[int]]
    rejected: dict[str, list[dict[str, str]]]
    notes: dict[str, int]
    written: int


def plan_benchmark(
    root: Path,
    settings: BuildSettings,
    sources: SourceList,
    mask_source: MaskSource | None = None,
    missing_masks: str = 'fail',
    workers: int = 1,
) -> tuple[SourceList, dict[str, int]]:
    """Write what would be built, without looking at a video: ``plan.jsonl`` and ``report.json``.

    Args:
        root: Folder to write to.
        settings: What to make.
        sources: The source videos; they need not be there.
        mask_source: Where the masks are to come from, to leave out videos without any.
        missing_masks: See :func:`build_benchmark`.
        workers: Threads that look at background images.

    Returns:
        The source videos that remain, and folder of a set -> number of items.

    Raises:
        DatasetError: As for :func:`build_benchmark`, as far as that shows without videos.
    """
    if mask_source is not None:
        sources = require_masks(mask_source, sources, missing_masks)
    _require_videos(sources)
    rows = plan_rows(settings, sources, workers)
    text = ''.join(json.dumps(row) + '\n' for row in rows)
    write_text(root / PLAN_NAME, text)
    _write_report(root, settings)
    return sources, _counts(settings, rows)


def build_benchmark(
    root: Path,
    settings: BuildSettings,
    sources: SourceList,
    mask_source: MaskSource,
    missing_masks: str = 'fail',
    cover_filter: CoverFilter | None = None,
    workers: int = 1,
    say: Callable[[str], object] = print,
) -> Built:
    """Write a benchmark, or finish one that was interrupted.

    Layout under ``root``::

        benchmark.json                      settings, identity of the lists, counts, what is missing
        report.json                         background images that were refused
        <DATASET>_<SET>_<Background>/       manifest.jsonl, files.sha256 and <video>__<k>.avi
        masks/<video>.npz                   masks of the kept frames, bit-packed
        backgrounds/<family>/*.npz          with ``'none'``: backgrounds at the size of the videos
        stills/<video>/<frame>.png          foregrounds lent to Confl-FG, RGB with the mask as alpha

    The manifest of a set appears when all its files are there. Same lists, masks, backgrounds and
    settings give the same bytes, whatever the number of workers and interruptions.

    Args:
        root: Folder to write to; made when absent.
        settings: What to make.
        sources: The source videos.
        mask_source: Where the masks come from.
        missing_masks: ``'fail'``, or ``'drop'`` to leave out videos that the mask source has no
            file or boxes for.
        cover_filter: Leaves out videos with too little foreground.
        workers: Processes.
        say: Shows a line of text to the user.

    Returns:
        What was made.

    Raises:
        DatasetError: Something cannot be read or does not fit; ``root`` holds a benchmark of
            other settings.
    """
    identity = dict(
        settings.identity(),
        masks=settings_of(mask_source),
        missing_masks=missing_masks,
        cover_filter=asdict(cover_filter) if cover_filter else None,
        lists=list(sources.lists),
        opencv=cv2.__version__,
    )
    _check_same(root, identity)
    sources = require_masks(mask_source, sources, missing_masks)
    _require_videos(sources)
    require_files(sources)
    _write_json(root / BENCHMARK_NAME, dict(complete=False, settings=identity))

    say(f'surveying {len(sources.videos)} source videos (masks: {mask_source.name})')
    surveyor = Surveyor(
        root, mask_source, settings.empty_frames, settings.seed, settings.stills, cover_filter
    )
    surveys, filtered, wrong = sort_out(map_videos(surveyor, sources.videos, workers))
    if wrong:
        others = f'; {len(wrong) - 1} more: {name_some(p.video_id for p in wrong[1:])}'
        raise DatasetError(wrong[0].reason + (others if len(wrong) > 1 else ''))
    sources = sources.without({p.video_id: p.reason for p in filtered})
    _require_videos(sources)

    rows = [
        complete_row(row, mask_source.name, settings.empty_frames, surveys)
        for row in plan_rows(settings, sources, workers)
    ]
    folders = settings.folders()
    for folder in folders.values():
        (root / folder).mkdir(exist_ok=True)
    say(f'writing {len(rows)} items of {len(sources.videos)} source videos to {root}')
    exporter = Exporter(root, folders, Backgrounds(settings.families), settings.encoding)
    results = map_videos(exporter, _tasks(sources, rows), workers)
    made = _write_sets(root, settings, results)

    _write_report(root, settings)
    filled = {v: list(s.filled) for v, s in sorted(surveys.items()) if s.filled}
    notes: dict[str, dict[str, int]] = {
        video_id: dict(survey.notes) for video_id, survey in sorted(surveys.items()) if survey.notes
    }
    built = Built(
        root,
        made,
        len(sources.videos),
        sum(row['frames'] for row in rows),
        sources.left_out,
        filled,
        {family.name: family.rejected() for family in settings.families},
        _totals(notes.values()),
        sum(result.redone for result in results),
    )
    _write_json(
        root / BENCHMARK_NAME,
        dict(
            complete=True,
            settings=identity,
            training_lists_checked=list(sources.training_lists),
            source_videos=built.videos,
            items=built.counts,
            frames=built.frames,
            left_out=list(built.left_out),
            frames_without_own_mask=filled,
            mask_notes=notes,
        ),
    )
    return built


def summary(built: Built) -> list[str]:
    """Lines for the terminal: counts, and everything that was left out or replaced."""
    lines = [f'{folder}: {count} items' for folder, count in built.counts.items()]
    if built.left_out:
        lines.append(f'left out {len(built.left_out)} listed videos, all in {BENCHMARK_NAME}:')
        lines += _some(f'{entry["video"]}: {entry["reason"]}' for entry in built.left_out)
    if built.filled:
        number = sum(map(len, built.filled.values()))
        lines.append(
            f'{number} kept frames of {len(built.filled)} source videos have no mask of '
            f'their own, all in {BENCHMARK_NAME}: {name_some(built.filled)}'
        )
    lines += [f'{name} (mask source): {count}' for name, count in built.notes.items()]
    for family, images in built.rejected.items():
        if images:
            lines.append(f'{family}: refused {len(images)} images, all in {REPORT_NAME}:')
            lines += _some(f'{image["file"]}: {image["reason"]}' for image in images)
    return lines


def read_description(root: Path) -> dict[str, Any]:
    """Read ``benchmark.json`` of a finished build.

    Args:
        root: Folder of the benchmark.

    Raises:
        DatasetError: There is none, or the build was not finished.
    """
    path = root / BENCHMARK_NAME
    try:
        described = json.loads(path.read_text(encoding='utf-8'))
        complete = described['complete']
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f'{path}: not the description of a benchmark ({error}); build one '
            'with tools/build_bias_benchmark.py build'
        ) from error
    if not complete:
        raise DatasetError(f'{root}: the build was not finished; run the same command again')
    return described


def _require_videos(sources: SourceList) -> None:
    if not sources.videos:
        reasons = name_some(entry['reason'] for entry in sources.left_out)
        raise DatasetError(f'no source video is left; left out: {reasons}')


def _check_same(root: Path, identity: dict[str, Any]) -> None:
    path = root / BENCHMARK_NAME
    if not path.is_file():
        return
    try:
        found = json.loads(path.read_text(encoding='utf-8'))['settings']
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f'{path}: not the description of a benchmark ({error}); name another folder with --out'
        ) from error
    wanted = json.loads(json.dumps(identity))
    differing = [key for key in {**found, **wanted} if found.get(key) != wanted.get(key)]
    if differing:
        detail = '; '.join(
            f'{key} is {found.get(key)!r}, asked for {wanted.get(key)!r}' for key in differing
        )
        raise DatasetError(
            f'{root} holds a benchmark of other settings ({detail}); name another '
            'folder with --out, or delete that one'
        )


def _tasks(sources: SourceList, rows: Iterable[dict[str, Any]]) -> list[SourceTask]:
    by_video: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_video.setdefault(row['video_id'], []).append(row)
    return [SourceTask(video, tuple(by_video[video.video_id])) for video in sources.videos]


def _write_sets(
    root: Path, settings: BuildSettings, results: Sequence[SourceResult]
) -> dict[str, int]:
    folders = settings.folders()
    rows: dict[str, list[dict[str, Any]]] = {folder: [] for folder in folders.values()}
    hashes: dict[str, dict[str, str]] = {folder: {} for folder in rows}
    for result in results:
        for row in result.rows:
            rows[folders[row['set'], row['background']]].append(row)
        for place, sha256 in result.hashes.items():
            folder, _, name = place.partition('/')
            hashes[folder][name] = sha256
    for folder in rows:
        exported = settings.encoding != 'none'
        write_set(root / folder, rows[folder], hashes[folder] if exported else None)
    return {folder: len(of_folder) for folder, of_folder in rows.items()}


def _counts(settings: BuildSettings, rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    folders = settings.folders()
    counts = dict.fromkeys(folders.values(), 0)
    for row in rows:
        counts[folders[row['set'], row['background']]] += 1
    return counts


def _totals(notes: Iterable[dict[str, int]]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for of_video in notes:
        for name, count in of_video.items():
            totals[name] = totals.get(name, 0) + count
    return totals


def _write_report(root: Path, settings: BuildSettings) -> None:
    report = {}
    for family in settings.families:
        if isinstance(family, ImageFolder):
            family.check_all()
            report[family.name] = dict(
                images=len(family.files), looked_at=family.looked_at(), refused=family.rejected()
            )
    _write_json(root / REPORT_NAME, dict(backgrounds=report))


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=1) + '\n')


def _some(lines: Iterable[str]) -> list[str]:
    every = list(lines)
    rest = [f'  and {len(every) - _SHOWN} more'] if len(every) > _SHOWN else []
    return [f'  {line}' for line in every[:_SHOWN]] + rest
