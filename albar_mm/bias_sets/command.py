"""From the words of the command line to settings, and from a finished build to its last lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..annotations.specs import SPECS
from ..compositing.backgrounds import MIN_SIDE, Backgrounds, parse_background
from ..utils.errors import DatasetError
from .build import PLAN_NAME, Built
from .masks.source import MaskSource
from .masks.union import CoverFilter
from .plan import SETS, BuildSettings
from .presets import PRESETS, Preset, preset_of
from .sources import SourceList, official_sources, read_source_list

GIGABYTE = 1e9


def mask_source(spec: str) -> MaskSource:
    """Read a mask source, e.g. ``jhmdb:FOLDER``.

    Args:
        spec: As on the command line.

    Raises:
        DatasetError: It is no mask source.
    """
    from .masks.parse import parse_masks

    return parse_masks(spec)


def background_families(specs: Sequence[str], min_side: int = MIN_SIDE) -> Backgrounds:
    """Read background families, ``stripe`` or ``NAME=FOLDER``.

    Args:
        specs: As on the command line.
        min_side: Images with a shorter side, in px, are refused.

    Raises:
        DatasetError: One is neither, cannot be used, or two have one name.
    """
    return Backgrounds([parse_background(spec, min_side) for spec in specs])


def video_folder(dataset: str, videos: Path | None = None) -> Path:
    """Folder of the source videos.

    Args:
        dataset: Name of a preset, or any other name.
        videos: The folder; default: ``data/<name>/videos``.
    """
    return videos or preset_of(dataset).folder / 'videos'


def source_videos(
    dataset: str,
    videos: Path | None = None,
    list_file: Path | None = None,
    lists: Path | None = None,
    split: int = 1,
    label_map: Path | None = None,
    training_lists: Sequence[Path] | None = None,
) -> SourceList:
    """Take the source videos of a benchmark.

    Args:
        dataset: Name of a preset, or any other name with a ``list_file``.
        videos: Folder of the videos; default: ``data/<name>/videos``.
        list_file: Test list of ``path label`` lines; default: that of ``data/<name>``.
        lists: Folder of the official lists, instead of ``list_file``.
        split: Official split of ``lists``.
        label_map: Class names, one a line; default: ``label_map.txt`` beside the list.
        training_lists: Lists that must name none of the videos; default: the list's siblings.

    Raises:
        DatasetError: The choices do not go together, or see :mod:`.sources`.
    """
    preset = preset_of(dataset)
    video_root = video_folder(dataset, videos)
    if lists is not None:
        official = preset.source or preset.name
        if list_file is not None or label_map is not None:
            raise DatasetError(
                '--lists names official lists, which hold their own classes: '
                'leave out --list and --label-map, or --lists'
            )
        if official not in SPECS:
            raise DatasetError(
                f'--lists: no official lists of {dataset!r} are known, only of '
                f'{", ".join(SPECS)}; name a test list with --list'
            )
        return official_sources(official, lists, video_root, split)
    if list_file is None and not preset.known:
        raise DatasetError(
            f'{dataset!r} is none of {", ".join(PRESETS)}; for a data set of your '
            'own name its test list with --list'
        )
    return read_source_list(
        list_file or preset.folder / preset.test_list, video_root, label_map, training_lists
    )


def build_settings(
    dataset: str,
    families: Backgrounds,
    name: str | None = None,
    per_video: int | None = None,
    seed: int = 0,
    sets: Sequence[str] | None = None,
    empty_frames: str = 'cut',
    encoding: str = 'jpeg',
) -> BuildSettings:
    """Settings of a build, with the preset's defaults.

    Args:
        dataset: Name of a preset, or any other name.
        families: The backgrounds.
        name: First part of the folder names.
        per_video: Variants of every source video.
        seed: Seed of all draws.
        sets: Some of ``SETS``; default: all that the backgrounds allow.
        empty_frames: Policy for frames without a mask.
        encoding: ``'jpeg'``, ``'lossless'`` or ``'none'``.

    Raises:
        DatasetError: See :class:`.plan.BuildSettings`.
    """
    preset = preset_of(dataset)
    if sets is None:
        striped = any(family.name == 'Stripe' for family in families.families)
        sets = [one for one in SETS if striped or one != 'conflfg']
    count = preset.per_video if per_video is None else per_video
    return BuildSettings(
        name or preset.dataset, families.families, seed, count, tuple(sets), empty_frames, encoding
    )


def cover_filter(text: str | None, preset: Preset) -> CoverFilter | None:
    """Read ``FRAMES,COVER`` or ``none``; without either, what the preset says.

    Args:
        text: As on the command line.
        preset: The preset.

    Raises:
        DatasetError: It is neither, or a share is not within [0, 1].
    """
    if text is None:
        return CoverFilter(*preset.cover_filter) if preset.cover_filter else None
    if text == 'none':
        return None
    try:
        frames, cover = (float(part) for part in text.split(','))
    except ValueError as error:
        raise DatasetError(
            f'--cover-filter {text}: expected FRAMES,COVER, e.g. 0.9,0.1, or none'
        ) from error
    if not (0 <= frames <= 1 and 0 <= cover <= 1):
        raise DatasetError(f'--cover-filter {text}: expected two shares from 0 to 1')
    return CoverFilter(frames, cover)


def plan_lines(root: Path, sources: SourceList, counts: Mapping[str, int]) -> list[str]:
    """What a build would make, for the terminal.

    Args:
        root: Folder of the benchmark.
        sources: The source videos that remain.
        counts: Folder of a set -> number of items.
    """
    lines = [f'{folder}: {count} items' for folder, count in counts.items()]
    if sources.left_out:
        reasons = [f'{entry["video"]}: {entry["reason"]}' for entry in sources.left_out]
        lines += [
            f'would leave out {len(reasons)} listed videos:',
            *(f'  {reason}' for reason in reasons),
        ]
    return [
        *lines,
        f'{len(sources.videos)} source videos; nothing was built, the plan is in '
        f'{root / PLAN_NAME}',
    ]


def cost_line(built: Built, seconds: float) -> str:
    """What a build took, for the terminal.

    Args:
        built: The build.
        seconds: How long it ran.
    """
    items = sum(built.counts.values())
    size = sum(path.stat().st_size for path in built.root.rglob('*') if path.is_file())
    line = f'{items} items, {built.frames} frames, {size / GIGABYTE:.2f} GB, {seconds:.0f} s'
    if built.written == items:
        return f'{line}, {built.frames / max(seconds, 1e-9):.0f} frames/s'
    return f'{line}; {built.written} files were written now'
