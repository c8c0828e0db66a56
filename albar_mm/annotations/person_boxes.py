"""Person boxes of the videos of a data set, read from a file once in a process."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from ..utils.errors import DatasetError
from ..utils.safe_pickle import load_restricted
from ..video.container import MAX_MISSING
from .person_box_files import VideoEntry, entries_of, read_box_lines, read_detections
from .tubes import annotated_tubes, is_annotation, read_boxes
from .video_names import VideoEntries, read_once

FRAME_SLACK = 3
"""Decoders differ by a frame or so about the end of a video."""
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
    """

    def __init__(
        self, name: str, rows: np.ndarray, starts: np.ndarray, per_frame: bool, where: str
    ) -> None:
        self.name, self._rows, self._starts = name, rows, starts
        self._per_frame, self._where = per_frame, where

    @property
    def num_frames(self) -> int:
        """Number of frames F that the file has entries for."""
        return len(self._starts) - 1

    def at(self, frames: Iterable[int], min_score: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Boxes of some frames with at least this score.

        Args:
            frames: Frame numbers from 0; one may occur more than once.
            min_score: Boxes of a lower score are left out.

        Returns:
            float32 (n, 4) of x1, y1, x2, y2 in px of the video, x2 and y2 exclusive; and int64
            (n,), for each box its position in ``frames``.

        Raises:
            DatasetError: A frame number is negative, or so far beyond the last entry that the file
                must be of another video.
        """
        picked = self.rows(frames, min_score)
        counts = np.array([len(rows) for rows in picked], dtype=np.int64)
        positions = np.repeat(np.arange(len(picked)), counts)
        return np.concatenate([np.empty((0, 5), np.float32), *picked])[:, :4], positions

    def rows(self, frames: Iterable[int], min_score: float = 0.0) -> list[np.ndarray]:
        """As :meth:`at`, with scores: for each frame float32 (n, 5) of x1, y1, x2, y2, score."""
        found = [self._frame(int(frame)) for frame in frames]
        return [rows[rows[:, 4] >= min_score] for rows in found]

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


class PersonBoxes(VideoEntries):
    """Person boxes of many videos in three arrays, whatever the number of videos.

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
        counts = [entry.counts for entry in entries]
        self._first_frame = np.concatenate([[0], np.cumsum([len(one) for one in counts])])
        self._starts = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)

    @property
    def num_boxes(self) -> int:
        """Number of boxes of all videos."""
        return len(self._rows)

    def of(self, video: str | os.PathLike) -> VideoBoxes | None:
        """Boxes of a video, by the path of its file or of the folder of its frames.

        Returns:
            Its boxes; None if the file does not have the video.

        Raises:
            DatasetError: Several entries may be meant.
        """
        index = self._lookup.find(str(video))
        if index is None:
            return None
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
        return PersonBoxes(path, read_box_lines(path))
    content = load_restricted(path) if ending in PICKLES else None
    if ending not in PICKLES or ending != '.npy' and is_annotation(content):
        tubes = read_boxes(path) if content is None else annotated_tubes(content, path)
        return PersonBoxes(path, entries_of(tubes, path), per_frame=False)
    boxes = PersonBoxes(path, read_detections(content, path))
    if boxes.dropped:
        print_log(
            f'{path}: {boxes.dropped} of {boxes.dropped + boxes.num_boxes} boxes cover '
            'nothing and are left out',
            'current',
            logging.WARNING,
        )
    return boxes
