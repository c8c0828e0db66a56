"""Contact sheets: every step from a source frame to SCUBA, SCUFO and Confl-FG, side by side."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..annotations.manifest import read_rows
from ..bias_sets.mask_statistics import MaskStatistics
from ..bias_sets.settings import read_description
from ..compositing.backgrounds import Backgrounds
from ..compositing.kept_masks import kept_masks_path, load_kept_masks
from ..compositing.layout import read_still
from ..compositing.render import render_item
from ..utils.errors import DatasetError
from ..utils.files import write_bytes
from ..utils.parallel import map_videos
from ..video.source_video import SourceVideo

TILE_WIDTH, TILE_HEIGHT = 200, 150
ROWS_A_PAGE = 20
SHEET_FOLDER = 'contact_sheet'
_GAP, _MARGIN, _TITLE, _HEAD = 4, 12, 21, 46
_INK, _SOFT, _BAD, _PAPER = '#17202b', '#5b6775', '#b3261e', '#ffffff'
_OUTLINE = (60, 255, 90)


@dataclass(frozen=True)
class SheetRow:
    """One source video on the sheet.

    Attributes:
        title: Class, name and numbers of its masks.
        flags: What is suspicious; '' if nothing is.
        tiles: Pictures in the order of the columns, uint8 RGB at their own size, each with a
            note of its own ('' for none).
    """

    title: str
    flags: str
    tiles: tuple[tuple[str, np.ndarray], ...]


@dataclass(frozen=True)
class RowPainter:
    """Renders the pictures of one source video from manifest rows, in any process.

    Attributes:
        root: Folder of the benchmark.
        videos: Folder of the source videos.
        backgrounds: All families of the benchmark.
    """

    root: Path
    videos: Path
    backgrounds: Backgrounds

    def __call__(self, task: tuple[MaskStatistics, Sequence[dict[str, Any]]]) -> SheetRow:
        """Paint a row.

        Args:
            task: Statistics of the video, and its items, one for every column of a set.

        Raises:
            DatasetError: Masks or stills are gone, or are not those of the manifest.
            BadVideoError: The source video cannot be read.
        """
        found, rows = task
        first = rows[0]
        masks = load_kept_masks(kept_masks_path(self.root, first['video_id']), first['mask_sha256'])
        video = SourceVideo(first['video_id'], self.videos / first['video'], first['label'])
        frames = video.frames
        if frames.shape[1:3] != masks.shape[1:] or len(frames) <= first['last']:
            raise DatasetError(
                f'{video.path}: not the video that {self.root} was made from; '
                'name the right folder with --videos'
            )
        middle, jump = (len(masks) - 1) // 2, found.jump
        kept = frames[first['first'] : first['last'] + 1]
        tiles = [
            (f'frame {first["first"] + middle}', kept[middle]),
            (f'frame {first["first"] + middle}', outlined(kept[middle], masks[middle])),
            (f'frame {first["first"] + jump}', outlined(kept[jump], masks[jump])),
        ]
        tiles += [self._item(row, frames, masks, middle) for row in rows]
        return SheetRow(_title(found), '; '.join(found.flags), tuple(tiles))

    def _item(
        self, row: dict[str, Any], frames: np.ndarray, masks: np.ndarray, middle: int
    ) -> tuple[str, np.ndarray]:
        still = None
        if row['set'] == 'conflfg':
            still = read_still(self.root, row['conflict_video_id'], row['conflict_frame'])
        background = self.backgrounds.of_row(row, *masks.shape[1:])
        if row['set'] == 'scufo':
            note = f'frame {row["first"] + row["scufo_frame"]}'
            return note, render_item(row, frames, masks, background)[0]
        number = row['first'] + middle
        only = dict(row, first=number, last=number)
        note = f'+ {Path(row["conflict_video"]).parent.name}' if row['set'] == 'conflfg' else ''
        picture = render_item(only, frames, masks[middle : middle + 1], background, still)[0]
        return note, picture


def outlined(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Draw the outline of a mask on a frame, just outside of it, so that nothing of it is hidden.

    Args:
        frame: uint8 RGB, shape (H, W, 3).
        mask: bool, shape (H, W).

    Returns:
        uint8 RGB, as large as a tile.
    """
    height, width = frame.shape[:2]
    scale = min(TILE_WIDTH / width, TILE_HEIGHT / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture = np.array(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))
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
    number = described['settings']['per_video']
    if not 0 <= variant < number:
        raise DatasetError(f'--variant {variant}: {root} has the variants 0 to {number - 1}')
    columns = ['source, middle frame', 'mask, middle frame', 'mask, largest jump']
    items: dict[str, list[dict]] = {}
    for folder in described['items']:
        columns.append(
            folder.removeprefix(f'{described["settings"]["dataset"]}_').replace('_', ', ')
        )
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
    painter = RowPainter(root, videos, backgrounds)
    tasks = [(one, items[video_id]) for video_id, one in chosen.items()]
    painted = dict(zip(chosen, map_videos(painter, tasks, workers), strict=True))
    folder = root / SHEET_FOLDER
    folder.mkdir(exist_ok=True)
    pages: list[tuple[str, Path]] = []
    for heading, part in parts.items():
        groups = [part[i : i + ROWS_A_PAGE] for i in range(0, len(part), ROWS_A_PAGE)]
        for number, group in enumerate(groups, 1):
            title = heading + (f', {number} of {len(groups)}' if len(groups) > 1 else '')
            page = draw_page(title, columns, [painted[one.video_id] for one in group])
            path = folder / f'page_{len(pages) + 1:03d}.png'
            content = io.BytesIO()
            page.save(content, 'PNG')
            write_bytes(path, content.getvalue())
            pages.append((title, path))
    for path in set(folder.glob('page_*.png')) - {path for _, path in pages}:
        path.unlink()
    return pages


def draw_page(title: str, columns: Sequence[str], rows: Sequence[SheetRow]) -> Image.Image:
    """Draw one page.

    Args:
        title: Heading.
        columns: Headings of the columns.
        rows: The rows, as many tiles in each as there are columns.
    """
    width = 2 * _MARGIN + len(columns) * (TILE_WIDTH + _GAP) - _GAP
    step = _TITLE + TILE_HEIGHT + 3 * _GAP
    page = Image.new('RGB', (width, 2 * _MARGIN + _HEAD + len(rows) * step), _PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((_MARGIN, _MARGIN), title, _INK, _font(17, bold=True))
    for place, name in enumerate(columns):
        left = _MARGIN + place * (TILE_WIDTH + _GAP)
        text = _shortened(draw, name, _font(12, bold=True), TILE_WIDTH)
        draw.text((left, _MARGIN + 27), text, _SOFT, _font(12, bold=True))
    for number, row in enumerate(rows):
        top = _MARGIN + _HEAD + number * step
        _draw_title(draw, row, top, width - 2 * _MARGIN)
        for place, (note, picture) in enumerate(row.tiles):
            left = _MARGIN + place * (TILE_WIDTH + _GAP)
            _draw_tile(page, draw, (left, top + _TITLE), note, picture)
    return page


def _draw_title(draw: ImageDraw.ImageDraw, row: SheetRow, top: int, width: int) -> None:
    flags = f'   {row.flags}' if row.flags else ''
    bold = _font(13, bold=True)
    left = width - draw.textlength(flags, bold)
    text = _shortened(draw, row.title, _font(13), left)
    draw.text((_MARGIN, top + 2), text, _INK, _font(13))
    draw.text((_MARGIN + draw.textlength(text, _font(13)), top + 2), flags, _BAD, bold)


def _draw_tile(
    page: Image.Image,
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    note: str,
    picture: np.ndarray,
) -> None:
    image = Image.fromarray(np.ascontiguousarray(picture))
    scale = min(TILE_WIDTH / image.width, TILE_HEIGHT / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    page.paste(image.resize(size, Image.Resampling.LANCZOS), corner)
    if note:
        text = _shortened(draw, note, _font(11), TILE_WIDTH - 8)
        place = corner[0] + 3, corner[1] + size[1] - 16
        box = draw.textbbox(place, text, _font(11))
        draw.rectangle((box[0] - 3, box[1] - 2, box[2] + 3, box[3] + 2), '#000000')
        draw.text(place, text, '#ffffff', _font(11))


def _title(found: MaskStatistics) -> str:
    name = f'{found.class_name or found.label} · {found.video_id}'
    overlap = '' if found.iou is None else f', overlap {found.iou:.2f} (min {found.iou_min:.2f})'
    return f'{name} · {found.frames} frames, cover {100 * found.cover:.1f} %{overlap}'


def _shortened(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, width: float
) -> str:
    """Cut the middle out of a text that is too long."""
    keep = len(text)
    shown = text
    while keep > 8 and draw.textlength(shown, font) > width:
        keep -= 1
        shown = f'{text[: (keep + 1) // 2]}…{text[len(text) - keep // 2 :]}'
    return shown


_FONTS: dict[tuple[int, bool], ImageFont.FreeTypeFont] = {}


def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    if (size, bold) not in _FONTS:
        import matplotlib

        name = 'DejaVuSans-Bold.ttf' if bold else 'DejaVuSans.ttf'
        path = Path(matplotlib.get_data_path(), 'fonts', 'ttf', name)
        _FONTS[size, bold] = ImageFont.truetype(str(path), size)
    return _FONTS[size, bold]
