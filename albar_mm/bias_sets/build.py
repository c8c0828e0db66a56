"""Building a benchmark in four stages: sources, survey, plan, export; what the command line says
of it, and what it says back."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..annotations.official_lists import SPECS
from ..compositing.backgrounds import MIN_SIDE, Backgrounds, parse_background
from ..utils.errors import DatasetError
from ..utils.files import write_text
from ..utils.lock import sole_user_of
from ..utils.text import name_some
from .export import Built, export
from .masks.folders import JhmdbMasks
from .masks.source import MaskSource
from .plan import draw_rows, plan_rows
from .presets import PRESETS, Preset
from .settings import BENCHMARK_NAME, REPORT_NAME, BuildSettings, write_report
from .sources import (
    SourceList,
    official_sources,
    parts_of,
    read_source_list,
    require_files,
    require_masks,
)
from .survey import survey

_SHOWN = 10


def background_families(specs: Sequence[str], min_side: int = MIN_SIDE) -> Backgrounds:
    """Read background families, ``stripe`` or ``NAME=FOLDER``.

    Images with a side shorter than ``min_side`` px are refused.

    Raises:
        DatasetError: One is neither, cannot be used, or two have one name.
    """
    return Backgrounds([parse_background(spec, min_side) for spec in specs])


def source_videos(
    preset: Preset,
    video_root: Path,
    list_file: Path | None = None,
    lists: Path | None = None,
    split: int = 1,
    label_map: Path | None = None,
    training_lists: Sequence[Path] | None = None,
) -> SourceList:
    """Take the source videos of a benchmark.

    Args:
        preset: Its preset; one that is not of ``PRESETS`` needs a ``list_file``.
        video_root: Folder of the videos.
        list_file: Test list of ``path label`` lines; default: that of the preset.
        lists: Folder of the official lists, instead of ``list_file``.
        split: Official split of ``lists``.
        label_map: See :func:`.sources.read_source_list`.
        training_lists: See there.

    Raises:
        DatasetError: The choices do not go together, or see :mod:`.sources`.
    """
    if lists is not None:
        official = preset.source or preset.name
        if list_file is not None or label_map is not None:
            raise DatasetError(
                '--lists names official lists, which hold their own classes: '
                'leave out --list and --label-map, or --lists'
            )
        if official not in SPECS:
            raise DatasetError(
                f'--lists: no official lists of {preset.name!r} are known, only of '
                f'{", ".join(SPECS)}; name a test list with --list'
            )
        return official_sources(official, lists, video_root, split)
    if list_file is None and preset.name not in PRESETS:
        raise DatasetError(
            f'{preset.name!r} is none of {", ".join(PRESETS)}; for a data set of your '
            'own name its test list with --list'
        )
    return read_source_list(
        list_file or preset.folder / preset.test_list, video_root, label_map, training_lists
    )


def summary(built: Built) -> list[str]:
    """Lines for the terminal: counts, and everything that was left out or replaced."""
    made = built.described
    lines = [f'{folder}: {count} items' for folder, count in made['items'].items()]
    if made['left_out']:
        lines.append(f'left out {len(made["left_out"])} listed videos, all in {BENCHMARK_NAME}:')
        lines += _some(f'{entry["video"]}: {entry["reason"]}' for entry in made['left_out'])
    filled = made['frames_without_own_mask']
    if filled:
        lines.append(
            f'{sum(map(len, filled.values()))} kept frames of {len(filled)} source videos have no '
            f'mask of their own, all in {BENCHMARK_NAME}: {name_some(filled)}'
        )
    notes: Counter[str] = Counter()
    for of_video in made['mask_notes'].values():
        notes.update(of_video)
    lines += [f'{name} (mask source): {count}' for name, count in notes.items()]
    for family, images in built.images.items():
        refused = images['refused']
        if refused:
            lines.append(f'{family}: refused {len(refused)} images, all in {REPORT_NAME}:')
            lines += _some(f'{image["file"]}: {image["reason"]}' for image in refused)
    return lines


def _some(lines: Iterable[str]) -> list[str]:
    every = list(lines)
    rest = [f'  and {len(every) - _SHOWN} more'] if len(every) > _SHOWN else []
    return [f'  {line}' for line in every[:_SHOWN]] + rest


def plan_lines(root: Path, sources: SourceList, counts: Mapping[str, int]) -> list[str]:
    """What a build would make of the videos that remain, for the terminal."""
    lines = [f'{folder}: {count} items' for folder, count in counts.items()]
    if sources.left_out:
        lines.append(f'would leave out {len(sources.left_out)} listed videos:')
        lines += [f'  {entry["video"]}: {entry["reason"]}' for entry in sources.left_out]
    plan = root / PLAN_NAME
    videos = f'{len(sources.videos)} source videos'
    return [*lines, f'{videos}; nothing was built, the plan is in {plan}']


def cost_line(built: Built, seconds: float) -> str:
    """What a build that ran some seconds took, for the terminal."""
    items, frames = sum(built.described['items'].values()), built.described['frames']
    size = sum(path.stat().st_size for path in built.root.rglob('*') if path.is_file())
    line = f'{items} items, {frames} frames, {size / 1e9:.2f} GB, {seconds:.0f} s'
    if built.written == items:
        return f'{line}, {frames / max(seconds, 1e-9):.0f} frames/s'
    return f'{line}; {built.written} files were written now'


PLAN_NAME = 'plan.jsonl'


def plan_benchmark(
    root: Path, settings: BuildSettings, sources: SourceList, workers: int = 1
) -> tuple[SourceList, dict[str, int]]:
    """Write what would be built, without looking at a video: ``plan.jsonl`` and ``report.json``.

    Takes what :func:`build_benchmark` takes, and raises the same as far as it shows without
    videos; with a mask source, videos without masks are left out.

    Returns:
        The source videos that remain, and folder of a set -> number of items.
    """
    sources = usable_sources(settings, sources, files=False)
    rows = draw_rows(settings, sources, workers)
    write_text(root / PLAN_NAME, ''.join(json.dumps(row) + '\n' for row in rows))
    write_report(root, settings)
    counts = Counter((row['set'], row['background']) for row in rows)
    return sources, {folder: counts[key] for key, folder in settings.folders().items()}


@sole_user_of('root')
def build_benchmark(
    root: Path,
    settings: BuildSettings,
    sources: SourceList,
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
    settings give the same bytes, whatever the number of workers (processes) and interruptions.
    ``say`` shows a line of text to the user.

    Raises:
        DatasetError: Something cannot be read or does not fit; ``root`` holds a benchmark of
            other settings.
    """
    usable = usable_sources(settings, sources)
    usable, surveys = survey(root, settings, usable, workers, say)
    rows = plan_rows(settings, usable, surveys, workers)
    return export(root, settings, usable, surveys, rows, workers, say)


def usable_sources(settings: BuildSettings, sources: SourceList, files: bool = True) -> SourceList:
    """First stage: the listed videos that can be used; with ``files``, those must be there.

    Raises:
        DatasetError: Videos or masks are missing, or none is left.
    """
    if settings.fps is not None:
        videos = (replace(video, fps=settings.fps) for video in sources.videos)
        sources = replace(sources, videos=tuple(videos))
    if settings.masks is not None:
        sources = require_masks(settings.masks, sources, settings.missing_masks)
    if settings.published_names:
        sources = _without_renamed(settings.masks, sources)
    sources.require_some()
    if files:
        require_files(sources)
    return sources


def _without_renamed(masks: MaskSource | None, sources: SourceList) -> SourceList:
    """Leave out what the published sets lost: their generator looked up JHMDB's names as they are.

    JHMDB writes ``@`` where HMDB51 has ``#``.
    """
    if masks is None or not any(parts_of(masks, JhmdbMasks)):
        raise DatasetError('--published-names is about JHMDB, whose masks --masks does not name')
    reason = (
        'its name holds # where JHMDB has @, and the published sets matched names as they are '
        '(--published-names)'
    )
    unlike = (video.video_id for video in sources.videos if set('#@') & set(video.video_id))
    return sources.without(dict.fromkeys(unlike, reason))
