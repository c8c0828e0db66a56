"""One HTML file with all pages of a contact sheet and the numbers of the masks."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
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
from ..report.page import render
from ..utils.files import write_text
from ..utils.numbers import number
from .contact_sheet import choose_videos, write_sheet

PAGE_NAME = 'contact_sheet.html'
_JPEG_QUALITY = 88


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
    number(per_class, '--per-class', 0, whole=True)
    number(suspicious, '--suspicious', 0, whole=True)
    found = benchmark_statistics(root, boxes, workers)
    files = write_statistics(root, found)
    worst, shown = choose_videos(found, per_class, suspicious)
    parts = {'Suspicious videos': worst, 'Videos by class': shown}
    parts = {heading: part for heading, part in parts.items() if part}
    pages = write_sheet(root, videos, backgrounds, parts, variant, workers)
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
    overlaps = [one.iou for one in found if one.iou is not None]
    return render(
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


def _picture(title: str, path: Path) -> dict[str, Any]:
    content = io.BytesIO()
    with Image.open(path) as image:
        width, height = image.size
        # PNG pages lie beside; photographs would make the page several times as large
        image.convert('RGB').save(content, 'JPEG', quality=_JPEG_QUALITY, subsampling=0)
    data = base64.b64encode(content.getvalue()).decode()
    file = f'{path.parent.name}/{path.name}'
    return dict(title=title, file=file, data=data, width=width, height=height)
