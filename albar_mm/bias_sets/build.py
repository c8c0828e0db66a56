"""Building a benchmark in four stages: sources, survey, plan, export; what the command line says
of it, and what it says back."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..annotations.official_lists import SPECS
from ..compositing.backgrounds import MIN_SIDE, Backgrounds, parse_background
from ..utils.errors import DatasetError
from ..utils.files import write_text
from ..utils.lock import sole_user_of
from ..utils.numbers import number
from ..utils.text import name_some
from .export import Built, export
from .masks.source import CoverFilter
from .plan import draw_rows, plan_rows
from .sources import (
    BENCHMARK_NAME,
    REPORT_NAME,
    SETS,
    BuildSettings,
    SourceList,
    official_sources,
    read_source_list,
    require_files,
    require_masks,
    write_report,
)
from .survey import survey

_SHOWN = 10


@dataclass(frozen=True)
class Preset:
    """What a build of one benchmark takes when it is told nothing else.

    Attributes:
        name: As on the command line.
        dataset: First part of the folder names.
        per_video: Variants of every source video, as published.
        test_list: Test list that ``tools/prepare_dataset.py`` writes.
        missing_masks: What to do with test videos without a mask.
        source: Data set that the videos and lists belong to; default: ``name``.
        bias_folder: Folder of the benchmark below that of the data set.
        cover_filter: Smallest share of frames and of the image, or None for no filter.
    """

    name: str
    dataset: str
    per_video: int
    test_list: str = 'test_split1.txt'
    missing_masks: str = 'fail'
    source: str = ''
    bias_folder: str = 'bias'
    cover_filter: tuple[float, float] | None = None

    @property
    def folder(self) -> Path:
        """Folder of the data set, as ``tools/prepare_dataset.py`` makes it."""
        return Path('data', self.source or self.name)

    @property
    def root(self) -> Path:
        return self.folder / self.bias_folder


PRESETS = {
    preset.name: preset
    for preset in (
        # the source videos are those test videos that JHMDB has puppet masks for
        Preset('hmdb51', 'HMDB51', 10, missing_masks='drop'),
        Preset('jhmdb21', 'JHMDB21', 10),
        # those that UCF101-24 has boxes for
        Preset('ucf101', 'UCF101', 5, missing_masks='drop'),
        # the first protocol, whose boxes show background: never to be mixed with the one above
        Preset(
            'ucf101-boxes',
            'UCF101-boxes',
            5,
            missing_masks='drop',
            source='ucf101',
            bias_folder='bias_boxes',
        ),
        # those that pass the filter on mask cover
        Preset('kinetics400', 'K400', 1, 'test.txt', 'drop', cover_filter=(0.9, 0.1)),
    )
}


def preset_of(name: str) -> Preset:
    """Defaults for a name on the command line; an unknown one is a data set of the user's own."""
    return PRESETS.get(name) or Preset(name, name, 10, 'test.txt')


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


def build_settings(
    preset: Preset,
    families: Backgrounds,
    name: str | None = None,
    per_video: int | None = None,
    sets: Sequence[str] | None = None,
    missing_masks: str | None = None,
    cover_filter: str | None = None,
    **others: Any,
) -> BuildSettings:
    """Settings of a build, with the preset's defaults for what is None.

    Args:
        preset: The preset.
        families: The backgrounds.
        name: First part of the folder names.
        per_video: Variants of every source video.
        sets: Some of ``SETS``; default: all that the backgrounds allow.
        missing_masks: ``'fail'`` or ``'drop'``.
        cover_filter: ``FRAMES,COVER`` or ``none``.
        **others: Further settings as they are.

    Raises:
        DatasetError: See :class:`.sources.BuildSettings`.
    """
    if sets is None:
        striped = any(family.name == 'Stripe' for family in families.families)
        sets = [one for one in SETS if striped or one != 'conflfg']
    return BuildSettings(
        name or preset.dataset,
        families.families,
        per_video=preset.per_video if per_video is None else per_video,
        sets=tuple(sets),
        missing_masks=missing_masks or preset.missing_masks,
        cover_filter=_cover_filter(cover_filter, preset),
        **others,
    )


def _cover_filter(text: str | None, preset: Preset) -> CoverFilter | None:
    if text is None:
        return CoverFilter(*preset.cover_filter) if preset.cover_filter else None
    if text == 'none':
        return None
    shares = text.split(',')
    if len(shares) != 2:
        raise DatasetError(f'--cover-filter {text}: expected FRAMES,COVER, e.g. 0.9,0.1, or none')
    return CoverFilter(*(number(share, f'--cover-filter {text}', 0, 1) for share in shares))


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
    """First stage: the listed videos that can be used; with ``files``, those must be there."""
    if settings.masks is not None:
        sources = require_masks(settings.masks, sources, settings.missing_masks)
    sources.require_some()
    if files:
        require_files(sources)
    return sources
