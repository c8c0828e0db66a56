"""One HTML file with all pages of a contact sheet and the numbers of the masks."""

from __future__ import annotations

import base64
import io
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ..bias_sets.mask_statistics import (
    MaskStatistics,
    benchmark_statistics,
    statistics_lines,
    write_statistics,
)
from ..bias_sets.settings import read_description
from ..compositing.backgrounds import Backgrounds
from ..report.markup import Markup, el
from ..report.style import STYLE
from ..utils.errors import DatasetError
from ..utils.files import write_text
from .contact_sheet import choose_videos, write_sheet

PAGE_NAME = 'contact_sheet.html'
_JPEG_QUALITY = 88
_OWN_STYLE = """
main { max-width: 1720px; }
figure { margin: 18px 0 34px; }
figcaption { font-weight: 650; margin-bottom: 6px; }
figure img { display: block; width: 100%; height: auto; border: 1px solid var(--rule);
  border-radius: 6px; background: #fff; }
td.bad { color: var(--bad); font-weight: 600; text-align: left; white-space: normal; }
@media (min-width: 720px) { td.bad { min-width: 12em; } }
"""
_HEADINGS = (
    'video',
    'frames',
    'cover',
    'overlap',
    'least overlap',
    'touches border',
    'of its own box',
    'of the given boxes',
    'no own mask',
    'suspicious',
)


def report_benchmark(
    root: Path,
    videos: Path,
    backgrounds: Backgrounds,
    boxes: Any = None,  # noqa: ANN401  any mask source
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
    for name, value in (('per-class', per_class), ('suspicious', suspicious)):
        if value < 0:
            raise DatasetError(f'--{name} {value}: expected 0 or more')
    found = benchmark_statistics(root, boxes, workers)
    files = write_statistics(root, found)
    worst, shown = choose_videos(found, per_class, suspicious)
    parts = {'Suspicious videos': worst, 'Videos by class': shown}
    pages = write_sheet(
        root, videos, backgrounds, {k: v for k, v in parts.items() if v}, variant, workers
    )
    write_text(root / PAGE_NAME, page_html(root, found, pages))
    return [
        *statistics_lines(found),
        *map(str, files),
        f'{root / PAGE_NAME}: {len(pages)} pages, {len(worst)} suspicious and {len(shown)} of '
        f'{len(found)} videos',
    ]


def page_html(
    root: Path, found: Sequence[MaskStatistics], pages: Sequence[tuple[str, Path]]
) -> str:
    """The page; it needs no other file.

    Args:
        root: Folder of the benchmark.
        found: Statistics of all videos, suspicious ones first.
        pages: Heading and PNG file of every page of the contact sheet.
    """
    described = read_description(root)
    settings = described['settings']
    bad = [one for one in found if one.flags]
    good = [one for one in found if not one.flags]
    families = ', '.join(family['name'] for family in settings['backgrounds'])
    lead = (
        f'{len(found)} source videos, masks: {settings["masks"]["name"]}, backgrounds: {families}, '
        f'{settings["per_video"]} of each per video, seed {settings["seed"]}, '
        f'{len(described["left_out"])} listed videos left out'
    )
    parts = [
        el('h1', f'Masks and pictures of {settings["dataset"]}'),
        el('p', lead, class_='lead'),
        el('div', [_tile(*tile) for tile in _tiles(found, bad)], class_='tiles'),
        el('h2', 'Suspicious videos'),
        _table(bad) if bad else el('p', 'None.', class_='hint'),
        *(_figure(title, path) for title, path in pages),
        el('h2', 'All other videos'),
        el('details', el('summary', f'{len(good)} videos'), _table(good)),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'{el("title", "Contact sheet of " + settings["dataset"])}'
        f'<style>{STYLE}{_OWN_STYLE}</style>'
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>{el("body", el("main", parts))}'
        '</html>\n'
    )


def _tiles(found: Sequence[MaskStatistics], bad: Sequence[MaskStatistics]) -> list[tuple]:
    overlaps = [one.iou for one in found if one.iou is not None]
    return [
        (str(len(bad)), f'suspicious of {len(found)} videos', 'bad' if bad else 'good'),
        (
            _percent(statistics.fmean(one.cover for one in found)),
            'of the image covered on average',
            '',
        ),
        (
            f'{statistics.fmean(overlaps):.2f}' if overlaps else '–',
            'overlap (IoU) of consecutive masks',
            '',
        ),
        (
            _percent(statistics.fmean(one.border for one in found)),
            'of frames: the mask touches the border',
            '',
        ),
        (str(sum(one.filled for one in found)), 'frames without a mask of their own', ''),
    ]


def _tile(value: str, text: str, kind: str) -> Markup:
    return el('div', el('b', value), el('span', text), class_=f'tile {kind}'.strip())


def _table(found: Sequence[MaskStatistics]) -> Markup:
    rows = []
    for one in found:
        cells = (
            str(one.frames),
            _percent(one.cover),
            _number(one.iou),
            _number(one.iou_min),
            _percent(one.border),
            _percent(one.own_box),
            _percent(one.given_boxes),
            str(one.filled),
        )
        values = [
            el('td', cell, data_label=heading)
            for cell, heading in zip(cells, _HEADINGS[1:-1], strict=True)
        ]
        flags = el('td', '; '.join(one.flags), class_='bad wide', data_label=_HEADINGS[-1])
        rows.append(el('tr', el('th', one.video), values, flags))
    head = el('thead', el('tr', [el('th', heading) for heading in _HEADINGS]))
    return el('div', el('table', head, el('tbody', rows), class_='cards'), class_='block')


def _figure(title: str, path: Path) -> Markup:
    with Image.open(path) as image:
        width, height = image.size
        content = io.BytesIO()
        # PNG pages lie beside; photographs would make the page several times as large
        image.convert('RGB').save(content, 'JPEG', quality=_JPEG_QUALITY, subsampling=0)
    data = base64.b64encode(content.getvalue()).decode()
    picture = Markup(
        f'<img src="data:image/jpeg;base64,{data}" width="{width}" height="{height}" '
        f'alt="{path.name}">'
    )
    return el('figure', el('figcaption', f'{title} ({path.parent.name}/{path.name})'), picture)


def _percent(share: float | None) -> str:
    return '–' if share is None else f'{100 * share:.1f} %'


def _number(value: float | None) -> str:
    return '–' if value is None else f'{value:.2f}'
