"""Person boxes of the videos of a data set, read from a file once in a process."""

import logging
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from ..utils.errors import BadFileError, DatasetError
from ..utils.files import read_json_lines
from ..utils.rows import check_row
from ..utils.safe_pickle import load_restricted
from ..video.container import MAX_MISSING
from .tubes import FRAME_SLACK, Tube, annotated_tubes, is_annotation, read_boxes
from .video_lists import VideoEntries, read_once

_MOST_FRAMES = 10_000_000  # four days of video; no memory for a number that cannot be a frame
_NONE = np.empty((0, 5), np.float32)
LINES, PICKLES = ('.jsonl', '.json'), ('.pkl', '.pickle', '.npy')


class VideoBoxes:
    """Boxes of one video.

    Args:
        name: What the file calls it.
        rows: float32 (n, 5) of x1, y1, x2, y2, score in the order of the frames.
        starts: int64 (F + 1,), where in ``rows`` the boxes of a frame begin.
        per_frame: Whether the file has one entry per frame, so that a frame beyond the last one
            takes the boxes of that; annotated tracks end where they end.
        where: File, for messages.

    Attributes:
        num_frames: Number of frames F that the file has entries for.
    """

    def __init__(
        self, name: str, rows: np.ndarray, starts: np.ndarray, per_frame: bool, where: str
    ) -> None:
        self.name, self._rows, self._starts = name, rows, starts
        self._per_frame, self._where = per_frame, where
        self.num_frames = len(starts) - 1

    def at(
        self, frames: Iterable[int], min_score: float = 0.0, above: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Boxes of some frames with at least this score.

        Args:
            frames: Frame numbers from 0; one may occur more than once.
            min_score: Boxes of a lower score are left out.
            above: Those of just this score as well.

        Returns:
            float32 (n, 4) of x1, y1, x2, y2 in px of the video, x2 and y2 exclusive; and int64
            (n,), for each box its position in ``frames``.

        Raises:
            DatasetError: A frame number is negative, or so far beyond the last entry that the file
                must be of another video.
        """
        picked = self.rows(frames, min_score, above)
        counts = np.array([len(rows) for rows in picked], dtype=np.int64)
        positions = np.repeat(np.arange(len(picked)), counts)
        return np.concatenate([np.empty((0, 5), np.float32), *picked])[:, :4], positions

    def rows(
        self, frames: Iterable[int], min_score: float = 0.0, above: bool = False
    ) -> list[np.ndarray]:
        """As :meth:`at`, with scores: for each frame float32 (n, 5) of x1, y1, x2, y2, score."""
        found = [self._frame(int(frame)) for frame in frames]
        reaches = np.greater if above else np.greater_equal
        return [rows[reaches(rows[:, 4], min_score)] for rows in found]

    def _frame(self, frame: int) -> np.ndarray:
        length = self.num_frames
        if frame < 0:
            raise DatasetError(
                f'{self._where}: {self.name}: frame {frame} was asked for; frames '
                'count from 0: is start_index wrong?'
            )
        if frame >= length:
            if not self._per_frame or not length:
                return self._rows[:0]
            if frame >= math.ceil(length / (1 - MAX_MISSING)) + FRAME_SLACK:
                raise DatasetError(
                    f'{self._where}: {self.name} has entries for {length} frames, but frame '
                    f'{frame} (from 0) was asked for; get the boxes of this very file'
                )
            frame = length - 1
        return self._rows[self._starts[frame] : self._starts[frame + 1]]


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


class PersonBoxes(VideoEntries):
    """Person boxes of many videos in three arrays, whatever the number of videos; gives
    :class:`VideoBoxes`.

    Args:
        path: File that they come from, for messages.
        entries: The videos.
        per_frame: See :class:`VideoBoxes`.

    Raises:
        DatasetError: There are none.
    """

    def __init__(self, path: Path, entries: Iterable[VideoEntry], per_frame: bool = True) -> None:
        entries = list(entries)
        super().__init__(
            path,
            [entry.name for entry in entries],
            'person boxes',
            "detect them with tools/detect_people.py, or set missing='none' to take such videos "
            'for videos without people',
        )
        self.per_frame = per_frame
        self.dropped = sum(entry.dropped for entry in entries)
        self._rows = np.concatenate([entry.rows for entry in entries])
        self.num_boxes = len(self._rows)
        counts = [entry.counts for entry in entries]
        self._first_frame = np.concatenate([[0], np.cumsum([len(one) for one in counts])])
        self._starts = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)

    def _entry(self, index: int) -> VideoBoxes:
        first, last = self._first_frame[index], self._first_frame[index + 1]
        starts = self._starts[first : last + 1]
        return VideoBoxes(self.names[index], self._rows, starts, self.per_frame, str(self.path))


def read_person_boxes(path: str | os.PathLike) -> PersonBoxes:
    """Read a file of person boxes; the same file is read once in a process.

    Known by its ending:

    - ``.jsonl``, ``.json``: our JSON lines, ``{"video": "<path>", "boxes": [...]}`` with one entry
      per frame from frame 0: a list of ``[x1, y1, x2, y2]`` or ``[x1, y1, x2, y2, score]`` (it may
      be empty), or a single box. ``<split>.jsonl`` of motion_sprites is such a file.
    - ``.npy``, ``.pkl``, ``.pickle``: the published detections of ActorCutMix and StillMix, a dict
      video -> {frame from 1 -> (n, 5) x1, y1, x2, y2, score}; or the UCF101-24 annotation in either
      layout (see :mod:`albar_mm.annotations.tubes`). They are loaded as data: a pickle
      that asks for anything else is refused.
    - everything else: text, ``video frame x1 y1 x2 y2``, frames from 1.

    Coordinates are px of the video, x2 and y2 exclusive. Boxes without a score have 1. Boxes of
    detections that cover nothing are left out and counted in a warning.

    Raises:
        DatasetError: It cannot be read or a line, video or frame in it is wrong; names the place.
    """
    return read_once(_read, path, 'no such file of person boxes; tools/detect_people.py makes one')


def _read(path: Path) -> PersonBoxes:
    ending = path.suffix.lower()
    if ending in LINES:
        return PersonBoxes(path, _box_lines(path))
    content = load_restricted(path) if ending in PICKLES else None
    if ending not in PICKLES or ending != '.npy' and is_annotation(content):
        tubes = read_boxes(path) if content is None else annotated_tubes(content, path)
        return PersonBoxes(path, _entries_of(tubes, path), per_frame=False)
    boxes = PersonBoxes(path, _detections(content, path))
    if boxes.dropped:
        print_log(
            f'{path}: {boxes.dropped} of {boxes.dropped + boxes.num_boxes} boxes cover '
            'nothing and are left out',
            'current',
            logging.WARNING,
        )
    return boxes


def _box_lines(path: Path) -> Iterator[VideoEntry]:
    for where, row in read_json_lines(path):
        check_row(row, where, dict(video=str))
        where = f'{where}: {row["video"]}'
        check_row(row, where, dict(boxes=(list, 'a list with one entry per frame')))
        yield _entry(row['video'], row['boxes'], where)


def _entries_of(videos: Mapping[str, Sequence[Tube]], path: Path) -> Iterator[VideoEntry]:
    for name, tubes in videos.items():
        frames = np.concatenate([np.empty(0, int), *(tube.frames for tube in tubes)])
        boxes = np.concatenate([np.empty((0, 4)), *(tube.boxes for tube in tubes)])
        order = np.argsort(frames, kind='stable')
        if len(frames) and frames.max() >= _MOST_FRAMES:
            raise BadFileError(
                f'{path}: {name}: a box of frame {frames.max() + 1}; expected '
                f'numbers to {_MOST_FRAMES}'
            )
        yield VideoEntry(name, np.bincount(frames), _scored(boxes[order]))


def _detections(content: Any, path: Path) -> Iterator[VideoEntry]:
    """The published detections of ActorCutMix and StillMix; frames without a key have no boxes."""
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
        counts, boxes, dropped = np.zeros(last, np.int64), [_NONE], 0
        for frame in sorted(frames):
            rows = _rows(frames[frame], f'{where}: frame {frame}')
            # detectors clip boxes to the image, which can leave nothing of them
            sound = _not_empty(rows)
            counts[frame - 1], dropped = sound.sum(), dropped + int((~sound).sum())
            boxes.append(rows[sound])
        yield VideoEntry(str(name), counts, np.concatenate(boxes), dropped)


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


def _is_box(frame: Any) -> bool:
    return isinstance(frame, list) and bool(frame) and not isinstance(frame[0], list)


def _rows(boxes: Any, where: str) -> np.ndarray:
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
        return _NONE
    if array.ndim != 2 or array.shape[1] not in (4, 5):
        raise BadFileError(
            f'{where}: expected boxes x1, y1, x2, y2 or x1, y1, x2, y2, score, got {_shown(boxes)}'
        )
    if not np.isfinite(array).all():
        raise BadFileError(f'{where}: expected finite numbers, got {_shown(boxes)}')
    return _scored(array)


def _not_empty(rows: np.ndarray) -> np.ndarray:
    return (rows[:, 0] < rows[:, 2]) & (rows[:, 1] < rows[:, 3])


def _scored(boxes: np.ndarray) -> np.ndarray:
    """float32 (n, 5) of (n, 4), with the score 1, or of (n, 5)."""
    rows = np.insert(boxes, 4, 1, axis=1) if boxes.shape[1] == 4 else boxes
    return rows.astype(np.float32)


def _shown(value: Any) -> str:
    text = ' '.join(repr(value).split())
    return f'{type(value).__name__} {text[:60]}' + ('…' if len(text) > 60 else '')
