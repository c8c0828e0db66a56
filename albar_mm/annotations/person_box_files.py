"""Readers of the layouts in which person boxes come; see :func:`.person_boxes.read_person_boxes`.

Each gives, video by video, the name, the number of boxes in every frame and all boxes in the order
of the frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.errors import BadFileError, DatasetError
from ..utils.files import read_json_lines
from ..utils.rows import check_row
from .tubes import Tube

_MOST_FRAMES = 10_000_000  # four days of video; no memory for a number that cannot be a frame


@dataclass(frozen=True, eq=False)
class VideoEntry:
    """Boxes of one video as a file has them.

    Attributes:
        name: What the file calls the video.
        counts: int64 (F,), number of boxes in each frame from frame 0.
        rows: float32 (sum of counts, 5) of x1, y1, x2, y2, score; x1 < x2 and y1 < y2.
        dropped: Boxes of the file that cover nothing and are left out.
    """

    name: str
    counts: np.ndarray
    rows: np.ndarray
    dropped: int = 0


def read_box_lines(path: Path) -> Iterator[VideoEntry]:
    """Read JSON lines ``{"video": ..., "boxes": [one entry per frame]}``.

    Yields:
        One video a line; other keys are ignored.

    Raises:
        DatasetError: A line is none of these; names it.
    """
    for where, row in read_json_lines(path):
        check_row(row, where, dict(video=str))
        where = f'{where}: {row["video"]}'
        check_row(row, where, dict(boxes=(list, 'a list with one entry per frame')))
        yield _entry(row['video'], row['boxes'], where)


def entries_of(videos: Mapping[str, Sequence[Tube]], path: Path) -> Iterator[VideoEntry]:
    """Take annotated tubes for boxes.

    Yields:
        One video each, up to its last frame with a box; annotated boxes have the score 1.

    Raises:
        DatasetError: A frame number is too high.
    """
    for name, tubes in videos.items():
        frames = np.concatenate([tube.frames for tube in tubes]) if tubes else np.empty(0, int)
        order = np.argsort(frames, kind='stable')
        if len(frames) and frames.max() >= _MOST_FRAMES:
            raise BadFileError(
                f'{path}: {name}: a box of frame {frames.max() + 1}; expected '
                f'numbers to {_MOST_FRAMES}'
            )
        yield VideoEntry(name, np.bincount(frames), _scored(tubes)[order])


def read_detections(content: Any, path: Path) -> Iterator[VideoEntry]:  # noqa: ANN401
    """Take the published detections of ActorCutMix and StillMix apart.

    Args:
        content: Dict video -> {frame from 1 -> (n, 4 or 5)}.
        path: Their file, for messages.

    Yields:
        One video each; frames without a key have no boxes.

    Raises:
        DatasetError: They are laid out differently; names the video and the frame.
    """
    if not isinstance(content, Mapping) or not content:
        raise BadFileError(f'{path}: expected a dict of videos, got {_shown(content)}')
    for name, frames in content.items():
        where = f'{path}: {name}'
        if not isinstance(frames, Mapping) or not all(
            isinstance(key, Integral) and key >= 1 for key in frames
        ):
            raise BadFileError(
                f'{where}: expected a dict of frame numbers from 1 to boxes, got {_shown(frames)}'
            )
        last = max((int(key) for key in frames), default=0)
        if last > 100 * max(1, len(frames)):  # no memory for a number that cannot be a frame
            raise BadFileError(f'{where}: {len(frames)} entries, but one of frame {last}')
        counts, boxes, dropped = np.zeros(last, np.int64), [], 0
        for frame in sorted(frames):
            rows = _rows(frames[frame], f'{where}: frame {frame}')
            # detectors clip boxes to the image, which can leave nothing of them
            sound = _not_empty(rows)
            counts[frame - 1], dropped = sound.sum(), dropped + int((~sound).sum())
            boxes.append(rows[sound])
        yield VideoEntry(str(name), counts, np.concatenate(boxes) if boxes else _none(), dropped)


def _entry(video: str, frames: list[Any], where: str) -> VideoEntry:
    # a single box may stand for the list of boxes of its frame
    lists = [[frame] if _is_box(frame) else frame for frame in frames]
    for index, frame in enumerate(lists):
        if not isinstance(frame, list):
            raise BadFileError(
                f'{where}: frame {index}: expected a list of boxes, got {_shown(frame)}'
            )
    try:
        rows = _rows([box for frame in lists for box in frame], where)
        sound = bool(_not_empty(rows).all())
    except DatasetError:
        sound = False
    if not sound:  # which frame?
        for index, frame in enumerate(lists):
            place = f'{where}: frame {index}'
            found = _rows(frame, place)
            for bad in found[~_not_empty(found)].tolist():
                raise BadFileError(
                    f'{place}: the box {bad[:4]} is empty; expected x1 < x2 and y1 < y2'
                )
    return VideoEntry(video, np.fromiter(map(len, lists), np.int64, len(lists)), rows)


def _is_box(frame: Any) -> bool:  # noqa: ANN401
    return isinstance(frame, list) and bool(frame) and not isinstance(frame[0], list)


def _rows(boxes: Any, where: str) -> np.ndarray:  # noqa: ANN401
    """Check boxes (n, 4) or (n, 5) of one frame and give them a score if they have none."""
    try:
        if isinstance(boxes, Sequence) and len({len(box) for box in boxes}) > 1:
            return np.concatenate([_rows([box], where) for box in boxes])
        array = np.asarray(boxes, dtype=np.float64)
    except DatasetError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise BadFileError(f'{where}: expected boxes of numbers, got {_shown(boxes)}') from error
    if array.ndim and not len(array):
        return _none()
    if array.ndim != 2 or array.shape[1] not in (4, 5):
        raise BadFileError(
            f'{where}: expected boxes x1, y1, x2, y2 or x1, y1, x2, y2, score, got {_shown(boxes)}'
        )
    if not np.isfinite(array).all():
        raise BadFileError(f'{where}: expected finite numbers, got {_shown(boxes)}')
    if array.shape[1] == 4:
        array = np.concatenate([array, np.ones((len(array), 1))], axis=1)
    return array.astype(np.float32)


def _not_empty(rows: np.ndarray) -> np.ndarray:
    return (rows[:, 0] < rows[:, 2]) & (rows[:, 1] < rows[:, 3])


def _scored(tubes: Sequence[Tube]) -> np.ndarray:
    boxes = [np.concatenate([tube.boxes, np.ones((len(tube.boxes), 1))], axis=1) for tube in tubes]
    return np.concatenate(boxes).astype(np.float32) if boxes else _none()


def _none() -> np.ndarray:
    return np.empty((0, 5), np.float32)


def _shown(value: Any) -> str:  # noqa: ANN401
    text = ' '.join(repr(value).split())
    return f'{type(value).__name__} {text[:60]}' + ('…' if len(text) > 60 else '')
