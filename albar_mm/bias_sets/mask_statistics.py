"""Numbers that tell which masks of a benchmark to look at."""

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..annotations.manifest import read_rows
from ..compositing.kept import kept_masks_path, load_kept_masks
from ..utils.errors import DatasetError
from ..utils.files import write_csv, write_json
from ..utils.parallel import map_videos
from ..video.source_video import SourceVideo, kept_frames
from .masks.boxes import BoxMasks, bounding_boxes
from .masks.source import mean_share
from .settings import read_description
from .sources import parts_of

CSV_NAME, JSON_NAME = 'mask_statistics.csv', 'mask_statistics.json'
LIMITS = dict(
    min_cover=0.01,
    max_cover=0.8,
    min_iou=0.5,  # mean overlap of consecutive masks; below, a mask is said to flicker
    max_filled=0.1,  # share of frames without a mask of their own
    max_fallbacks=0.1,  # share of boxes that a refinement gave back unrefined
    min_box_kept=0.2,  # share of the given boxes; below, the actor was probably lost
)
"""From where on a video is suspicious."""


@dataclass(frozen=True)
class MaskStatistics:
    """Masks of one source video, over its kept frames.

    Attributes:
        video: Path below the folder of videos.
        video_id: Its id.
        class_name: Its folder.
        label: Its class.
        frames: Number of kept frames.
        filled: Kept frames without a mask of their own.
        cover: Mean share of the image, in [0, 1].
        cover_min: Smallest share of one frame.
        cover_max: Largest share of one frame.
        iou: Mean overlap of consecutive masks, in [0, 1]; None for less than two masks.
        iou_min: Smallest overlap of two consecutive masks.
        jump: Frame, from 0 among the kept ones, whose mask differs most from the one before.
        border: Share of frames in which the mask touches the border of the image.
        own_box: Mean share of the mask's own bounding box that it fills; 1 is a rectangle.
        given_boxes: Mean share of the given boxes that is in the mask; None without boxes.
        boxes: Number of boxes that a refinement worked on.
        box_fallbacks: How many of them it gave back as they were.
        flags: What is suspicious.
    """

    video: str
    video_id: str
    class_name: str
    label: int
    frames: int
    filled: int
    cover: float
    cover_min: float
    cover_max: float
    iou: float | None
    iou_min: float | None
    jump: int
    border: float
    own_box: float
    given_boxes: float | None = None
    boxes: int = 0
    box_fallbacks: int = 0
    flags: tuple[str, ...] = ()


def measure_masks(masks: np.ndarray) -> dict[str, Any]:
    """The entries ``frames`` to ``own_box`` of :class:`MaskStatistics`, less ``filled``.

    They need nothing but the masks, bool (T, H, W), T >= 1, True somewhere. Shares are in [0, 1];
    ``own_box`` and overlaps leave out frames without a mask.
    """
    cover = masks.mean(axis=(1, 2), dtype=np.float64)
    area = masks.sum(axis=(1, 2), dtype=np.int64)
    x1, y1, x2, y2 = bounding_boxes(masks).T
    height, width = masks.shape[1:]
    touches = (area > 0) & ((x1 == 0) | (y1 == 0) | (x2 == width) | (y2 == height))
    filled = area[area > 0] / ((x2 - x1) * (y2 - y1))[area > 0]
    both = (masks[1:] & masks[:-1]).sum(axis=(1, 2), dtype=np.int64)
    either = area[1:] + area[:-1] - both
    overlaps = both[either > 0] / either[either > 0]
    jump = 0
    if overlaps.size:
        jump = int(np.flatnonzero(either > 0)[overlaps.argmin()]) + 1
    return dict(
        frames=len(masks),
        cover=float(cover.mean()),
        cover_min=float(cover.min()),
        cover_max=float(cover.max()),
        iou=float(overlaps.mean()) if overlaps.size else None,
        iou_min=float(overlaps.min()) if overlaps.size else None,
        jump=jump,
        border=float(touches.mean()),
        own_box=float(filled.mean()),
    )


def share_of_boxes(
    masks: np.ndarray, boxes: BoxMasks, video: SourceVideo, numbers: np.ndarray
) -> float:
    """Mean share of the given boxes that is in the mask, over frames with a box.

    Masks are bool (T, H, W), of the frames ``numbers`` of the file, (T,) and rising; the video is
    not read.

    Raises:
        DatasetError: The file of boxes does not know the video.
    """
    height, width = masks.shape[1:]
    given = np.zeros(masks.shape, dtype=bool)
    for tube in boxes.tubes(video):
        places = np.searchsorted(numbers, tube.frames)
        for frame, place, box in zip(tube.frames, places, np.trunc(tube.boxes), strict=True):
            if frame in numbers[place : place + 1]:
                x1, y1, x2, y2 = np.clip(box.astype(int), 0, (width, height, width, height))
                given[place, y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)] = True
    return mean_share(given & masks, given) or 0.0


def flags_of(found: MaskStatistics) -> tuple[str, ...]:
    """What is suspicious about a video, a few words each; empty if nothing is."""
    iou, filled, given = found.iou, found.filled, found.given_boxes
    unrefined = found.box_fallbacks
    checks = (
        (found.cover < LIMITS['min_cover'], f'cover {100 * found.cover:.1f} %'),
        (found.cover > LIMITS['max_cover'], f'cover {100 * found.cover:.0f} %'),
        (iou is not None and iou < LIMITS['min_iou'], f'flickers (IoU {iou or 0:.2f})'),
        (filled > LIMITS['max_filled'] * found.frames, f'{filled} frames without own mask'),
        (
            unrefined > LIMITS['max_fallbacks'] * found.boxes,
            f'{unrefined} of {found.boxes} boxes unrefined',
        ),
        (
            given is not None and given < LIMITS['min_box_kept'],
            f'{100 * (given or 0):.0f} % of the boxes kept',
        ),
    )
    return tuple(text for suspicious, text in checks if suspicious)


def benchmark_statistics(
    root: Path,
    boxes: Any = None,
    workers: int = 1,
) -> list[MaskStatistics]:
    """Statistics of all source videos of a benchmark, suspicious ones first.

    The sources need not be there. ``boxes`` is a mask source; the boxes in it, if it has any, are
    compared with the masks.

    Raises:
        DatasetError: ``root`` holds no finished benchmark, or masks are gone.
    """
    described = read_description(root)
    rows = {
        row['video_id']: row for folder in described['items'] for row in read_rows(root / folder)
    }
    notes = described.get('mask_notes', {})
    given = next(parts_of(boxes, BoxMasks), None) if boxes is not None else None
    tasks = [(row, notes.get(video_id, {})) for video_id, row in sorted(rows.items())]
    return by_suspicion(map_videos(partial(_statistics, root, given), tasks, workers))


def by_suspicion(found: Iterable[MaskStatistics]) -> list[MaskStatistics]:
    """Those with most flags first, of those the one that flickers most."""
    return sorted(found, key=lambda one: (-len(one.flags), 1.0 if one.iou is None else one.iou))


def write_statistics(root: Path, found: Sequence[MaskStatistics]) -> tuple[Path, Path]:
    """Write ``mask_statistics.csv`` and ``mask_statistics.json``; returns both files."""
    content = dict(
        limits=LIMITS,
        suspicious=sum(bool(one.flags) for one in found),
        videos=[asdict(one) for one in found],
    )
    paths = root / CSV_NAME, root / JSON_NAME
    write_csv(paths[0], [{k: _cell(v) for k, v in video.items()} for video in content['videos']])
    write_json(paths[1], content)
    return paths


def statistics_lines(found: Sequence[MaskStatistics], worst: int = 10) -> list[str]:
    """Means over all videos and the ``worst`` ones, suspicious ones first, for the terminal."""
    suspicious = [one for one in found if one.flags]
    overlaps = [one.iou for one in found if one.iou is not None]
    lines = [
        f'masks of {len(found)} videos: cover {100 * np.mean([one.cover for one in found]):.1f} %, '
        + (f'overlap of consecutive masks {np.mean(overlaps):.2f}, ' if overlaps else '')
        + f'{100 * np.mean([one.border for one in found]):.0f} % of frames touch the border, '
        f'{sum(one.filled for one in found)} frames without a mask of their own',
        f'{len(suspicious)} suspicious videos, all in {CSV_NAME}' + (':' if suspicious else ''),
    ]
    lines += [f'  {one.video}: {"; ".join(one.flags)}' for one in suspicious[:worst]]
    rest = len(suspicious) - worst
    return lines + ([f'  and {rest} more'] if rest > 0 else [])


def _statistics(
    root: Path, boxes: BoxMasks | None, task: tuple[Mapping[str, Any], Mapping[str, int]]
) -> MaskStatistics:
    row, notes = task
    masks = load_kept_masks(kept_masks_path(root, row['video_id']), row['mask_sha256'])
    folder = Path(row['video']).parent.name
    given = None
    if boxes is not None:
        video = SourceVideo(row['video_id'], Path(row['video']), row['label'], folder)
        with suppress(DatasetError):  # no box of this video: nothing to compare with
            given = share_of_boxes(masks, boxes, video, _numbers(row))
    found = MaskStatistics(
        video=row['video'],
        video_id=row['video_id'],
        class_name=folder,
        label=row['label'],
        filled=row['filled_frames'],
        given_boxes=given,
        boxes=notes.get('boxes', 0),
        box_fallbacks=notes.get('box_fallbacks', 0),
        **measure_masks(masks),
    )
    return replace(found, flags=flags_of(found))


def _numbers(row: Mapping[str, Any]) -> np.ndarray:
    """Which frames of its file the kept ones are."""
    native, fps = row.get('source_fps', 1.0), row.get('kept_fps')
    enough = math.ceil((row['last'] + 1) * max(1, native / (fps or native))) + 1
    return kept_frames(enough, native, fps)[row['first'] : row['last'] + 1]


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f'{value:.4f}'
    return '; '.join(value) if isinstance(value, tuple) else value
