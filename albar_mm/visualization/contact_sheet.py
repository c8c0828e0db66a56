"""Contact sheets: every step from a source frame to SCUBA, SCUFO and Confl-FG, side by side.

Pages as pictures, and one HTML file with all of them and the numbers of the masks.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from statistics import fmean
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..annotations.manifest import read_rows
from ..bias_sets.mask_statistics import (
    MaskStatistics,
    benchmark_statistics,
    statistics_lines,
    write_statistics,
)
from ..bias_sets.settings import read_description
from ..compositing.backgrounds import Backgrounds
from ..compositing.kept import kept_masks_path, load_kept_masks, still_of
from ..compositing.render import render_item
from ..report.page import render
from ..utils.errors import DatasetError
from ..utils.files import whole_file, write_text
from ..utils.numbers import number
from ..utils.parallel import map_videos
from ..video.source_video import SourceVideo

#: of one source video: class, name and numbers of its masks; what is suspicious, '' if nothing is;
#: and its pictures in the order of the columns, uint8 RGB at their own size, each with a note
SheetRow = tuple[str, str, tuple[tuple[str, np.ndarray], ...]]
TILE_WIDTH, TILE_HEIGHT = 200, 150
ROWS_A_PAGE = 20
SHEET_FOLDER, PAGE_NAME = 'contact_sheet', 'contact_sheet.html'
_JPEG_QUALITY = 88
_GAP, _MARGIN, _TITLE, _HEAD = 4, 12, 21, 46
_INK, _SOFT, _BAD, _PAPER = '#17202b', '#5b6775', '#b3261e', '#ffffff'
_OUTLINE = (60, 255, 90)


def report_benchmark(
    root: Path,
    videos: Path,
    backgrounds: Backgrounds,
    boxes: Any = None,
    workers: int = 1,
    per_class: int = 2,
    suspicious: int = 20,
    variant: int = 0,
) -> list[str]:
    """Write mask statistics, contact sheet and the page that shows both.

    Args:
        root: Folder of the benchmark, where everything goes.
        videos: Folder of the source videos.
        backgrounds: All families of the benchmark.
        boxes: A mask source whose boxes, if it has any, are compared with the masks.
        workers: Processes.
        per_class: Videos of every class to show; 0 shows all.
        suspicious: Most suspicious videos to show before them, at most.
        variant: Which variant of every video to show.

    Returns:
        Lines for the terminal.

    Raises:
        DatasetError: ``root`` holds no finished benchmark, or something is gone.
    """
    number(per_class, '--per-class', 0, whole=True)
    number(suspicious, '--suspicious', 0, whole=True)
    found = benchmark_statistics(root, boxes, workers)
    files = write_statistics(root, found)
    worst, shown = choose_videos(found, per_class, suspicious)
    parts = {'Suspicious videos': worst, 'Videos by class': shown}
    pages = write_sheet(root, videos, backgrounds, parts, variant, workers)
    described = read_description(root)
    overlaps = [one.iou for one in found if one.iou is not None]
    page = render(
        'contact_sheet.html',
        title=f'Contact sheet of {described["settings"]["dataset"]}',
        settings=described['settings'],
        left_out=len(described['left_out']),
        found=found,
        bad=[one for one in found if one.flags],
        good=[one for one in found if not one.flags],
        cover=fmean(one.cover for one in found),
        border=fmean(one.border for one in found),
        overlap=fmean(overlaps) if overlaps else None,
        pictures=[_picture(title, path) for title, path in pages],
    )
    write_text(root / PAGE_NAME, page)
    return [
        *statistics_lines(found),
        *map(str, files),
        f'{root / PAGE_NAME}: {len(pages)} pages, {len(worst)} suspicious and {len(shown)} of '
        f'{len(found)} videos',
    ]


def _picture(title: str, path: Path) -> dict[str, Any]:
    content = io.BytesIO()
    with Image.open(path) as image:
        width, height = image.size
        # PNG pages lie beside; photographs would make the page several times as large
        image.convert('RGB').save(content, 'JPEG', quality=_JPEG_QUALITY, subsampling=0)
    data = base64.b64encode(content.getvalue()).decode()
    file = f'{path.parent.name}/{path.name}'
    return dict(title=title, file=file, data=data, width=width, height=height)


def paint_row(
    root: Path,
    videos: Path,
    backgrounds: Backgrounds,
    task: tuple[MaskStatistics, Sequence[dict[str, Any]]],
) -> SheetRow:
    """Render the pictures of one source video from manifest rows.

    Args:
        root: Folder of the benchmark.
        videos: Folder of the source videos.
        backgrounds: All families of the benchmark.
        task: Statistics of the video, and its items, one for every column of a set.

    Raises:
        DatasetError: Masks or stills are gone, or are not those of the manifest.
        BadVideoError: The source video cannot be read.
    """
    found, rows = task
    first = rows[0]
    masks = load_kept_masks(kept_masks_path(root, first['video_id']), first['mask_sha256'])
    path, fps = videos / first['video'], first.get('kept_fps')
    video = SourceVideo(first['video_id'], path, first['label'], fps=fps)
    frames = video.frames
    if frames.shape[1:3] != masks.shape[1:] or len(frames) <= first['last']:
        raise DatasetError(
            f'{video.path}: not the video that {root} was made from; '
            'name the right folder with --videos'
        )
    middle = (len(masks) - 1) // 2
    tiles = [(f'frame {first["first"] + middle}', frames[first['first'] + middle])]
    for place in (middle, found.jump):
        number = first['first'] + place
        tiles.append((f'frame {number}', outlined(frames[number], masks[place])))
    for row in rows:
        number, note, still = row['first'] + middle, '', still_of(root, row)
        item, item_masks = dict(row, first=number, last=number), masks[middle : middle + 1]
        if row['set'] == 'scufo':
            item, item_masks, note = row, masks, f'frame {row["first"] + row["scufo_frame"]}'
        elif row['set'] == 'conflfg':
            note = f'+ {Path(row["conflict_video"]).parent.name}'
        background = backgrounds.of_row(row, *masks.shape[1:])
        tiles.append((note, render_item(item, frames, item_masks, background, still)[0]))
    overlap = '' if found.iou is None else f', overlap {found.iou:.2f} (min {found.iou_min:.2f})'
    title = (
        f'{found.class_name or found.label} · {found.video_id} · {found.frames} frames, '
        f'cover {100 * found.cover:.1f} %{overlap}'
    )
    return title, '; '.join(found.flags), tuple(tiles)


def outlined(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Draw the outline of a mask on a frame, just outside of it, so that nothing of it is hidden.

    Args:
        frame: uint8 RGB, shape (H, W, 3).
        mask: bool, shape (H, W).

    Returns:
        uint8 RGB, as large as a tile.
    """
    picture = np.array(_as_tile(frame))
    size = picture.shape[1::-1]
    small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
    cross = np.ones((3, 3), np.uint8)
    near, far = (cv2.dilate(small.astype(np.uint8), cross, iterations=n) > 0 for n in (1, 2))
    picture[far & ~near] = 0
    picture[near & ~small] = _OUTLINE
    return picture


def choose_videos(
    found: Sequence[MaskStatistics], per_class: int = 2, suspicious: int = 20
) -> tuple[list[MaskStatistics], list[MaskStatistics]]:
    """Choose what to show.

    Args:
        found: Statistics of all videos, suspicious ones first.
        per_class: Videos of every class, spread over the list; 0 takes all.
        suspicious: Most suspicious videos to show apart, at most.

    Returns:
        Suspicious videos, and videos by class.
    """
    worst = [one for one in found if one.flags][:suspicious]
    classes: dict[int, list[MaskStatistics]] = {}
    for one in sorted(found, key=lambda one: (one.label, one.video_id)):
        classes.setdefault(one.label, []).append(one)
    shown = []
    for members in classes.values():
        count = min(per_class or len(members), len(members))
        shown += [members[i * len(members) // count] for i in range(count)]
    return worst, shown


def sheet_columns(root: Path, variant: int = 0) -> tuple[list[str], dict[str, list[dict]]]:
    """What the manifests of a benchmark offer to show.

    Args:
        root: Folder of the benchmark.
        variant: Which variant k of every video.

    Returns:
        Headings of the columns, and the items of every source video in the same order.

    Raises:
        DatasetError: No such benchmark or no such variant.
    """
    described = read_description(root)
    variants = described['settings']['per_video']
    if not 0 <= variant < variants:
        raise DatasetError(f'--variant {variant}: {root} has the variants 0 to {variants - 1}')
    columns = ['source, middle frame', 'mask, middle frame', 'mask, largest jump']
    items: dict[str, list[dict]] = {}
    for folder in described['items']:
        name = folder.removeprefix(f'{described["settings"]["dataset"]}_')
        columns.append(name.replace('_', ', '))
        for row in read_rows(root / folder):
            if row['k'] == variant:
                items.setdefault(row['video_id'], []).append(row)
    return columns, items


def write_sheet(
    root: Path,
    videos: Path,
    backgrounds: Backgrounds,
    parts: Mapping[str, Sequence[MaskStatistics]],
    variant: int = 0,
    workers: int = 1,
) -> list[tuple[str, Path]]:
    """Write the pages of a contact sheet; pages of an earlier one are removed.

    Args:
        root: Folder of the benchmark; pages go to ``contact_sheet/page_<n>.png``.
        videos: Folder of the source videos.
        backgrounds: All families of the benchmark.
        parts: Heading -> videos to show under it, from :func:`choose_videos`.
        variant: Which variant of every video.
        workers: Processes.

    Returns:
        Heading and file of every page.

    Raises:
        DatasetError: Something does not fit or cannot be read.
    """
    columns, items = sheet_columns(root, variant)
    chosen = {one.video_id: one for part in parts.values() for one in part}
    painter = partial(paint_row, root, videos, backgrounds)
    tasks = [(one, items[video_id]) for video_id, one in chosen.items()]
    painted = dict(zip(chosen, map_videos(painter, tasks, workers), strict=True))
    folder = root / SHEET_FOLDER
    pages: list[tuple[str, Path]] = []
    for heading, part in parts.items():
        groups = [part[i : i + ROWS_A_PAGE] for i in range(0, len(part), ROWS_A_PAGE)]
        for place, group in enumerate(groups, 1):
            title = heading + (f', {place} of {len(groups)}' if len(groups) > 1 else '')
            path = folder / f'page_{len(pages) + 1:03d}.png'
            with whole_file(path) as file:
                draw_page(title, columns, [painted[one.video_id] for one in group]).save(file)
            pages.append((title, path))
    for path in set(folder.glob('page_*.png')) - {path for _, path in pages}:
        path.unlink()
    return pages


def draw_page(title: str, columns: Sequence[str], rows: Sequence[SheetRow]) -> Image.Image:
    """Draw one page; a row has as many tiles as there are headings of columns."""
    width = 2 * _MARGIN + len(columns) * (TILE_WIDTH + _GAP) - _GAP
    step = _TITLE + TILE_HEIGHT + 3 * _GAP
    page = Image.new('RGB', (width, 2 * _MARGIN + _HEAD + len(rows) * step), _PAPER)
    draw = ImageDraw.Draw(page)
    lefts = range(_MARGIN, width - _MARGIN, TILE_WIDTH + _GAP)
    draw.text((_MARGIN, _MARGIN), title, _INK, _font(17, bold=True))
    for left, name in zip(lefts, columns, strict=True):
        _write(draw, (left, _MARGIN + 27), name, _SOFT, _font(12, bold=True), TILE_WIDTH)
    for place, (name, flags, tiles) in enumerate(rows):
        top = _MARGIN + _HEAD + place * step
        flags = f'   {flags}' if flags else ''
        bold = _font(13, bold=True)
        room = width - 2 * _MARGIN - draw.textlength(flags, bold)
        end = _write(draw, (_MARGIN, top + 2), name, _INK, _font(13), room)
        draw.text((end, top + 2), flags, _BAD, bold)
        for left, (note, picture) in zip(lefts, tiles, strict=True):
            tile = _as_tile(picture)
            page.paste(tile, (left, top + _TITLE))
            if note:
                corner = left + 3, top + _TITLE + tile.height - 16
                _write(draw, corner, note, '#ffffff', _font(11), TILE_WIDTH - 8, '#000000')
    return page


def _as_tile(picture: np.ndarray) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(picture))
    scale = min(TILE_WIDTH / image.width, TILE_HEIGHT / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def _write(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    colour: str,
    font: ImageFont.FreeTypeFont,
    width: float,
    ground: str = '',
) -> float:
    """Write a text, cut in its middle where it is too long; returns where it ends."""
    shown, keep = text, len(text)
    while keep > 8 and draw.textlength(shown, font) > width:
        keep -= 1
        shown = f'{text[: (keep + 1) // 2]}…{text[len(text) - keep // 2 :]}'
    if ground:
        left, top, right, bottom = draw.textbbox(place, shown, font)
        draw.rectangle((left - 3, top - 2, right + 3, bottom + 2), ground)
    draw.text(place, shown, colour, font)
    return place[0] + draw.textlength(shown, font)


@cache
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    import matplotlib

    name = 'DejaVuSans-Bold.ttf' if bold else 'DejaVuSans.ttf'
    return ImageFont.truetype(Path(matplotlib.get_data_path(), 'fonts', 'ttf', name), size)
