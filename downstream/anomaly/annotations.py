"""Which videos there are, whether they are anomalous, and when: the lists of UCF-Crime."""

import os
import re
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import filled_lines

from .functional import TOLERANCE, frame_ground_truth

NORMAL = 'Normal'
_NO_EVENT = '-1'
_CATEGORY = re.compile(r'[A-Za-z]+')


@dataclass(frozen=True)
class AnomalyVideo:
    """A video of an anomaly data set.

    Attributes:
        video_id: File name without folder and suffix.
        category: Kind of anomaly, as ``'Arson'``, or ``'Normal'``.
        events: First and last frame of each event, as the annotation counts them; None where it
            says nothing of when, as in training.
        num_frames: Frames of the video, where the annotation tells.
    """

    video_id: str
    category: str
    events: tuple[tuple[int, int], ...] | None = None
    num_frames: int | None = None

    @property
    def is_anomalous(self) -> bool:
        """Whether anything anomalous happens in it: the label of training."""
        return self.category != NORMAL

    def check_length(self, num_frames: int) -> None:
        """Refuse a video that is not the one that was annotated.

        Args:
            num_frames: Frames of the video at hand.

        Raises:
            DatasetError: The annotation tells another number of frames.
        """
        if self.num_frames not in (None, num_frames):
            raise DatasetError(
                f'video {self.video_id!r} has {num_frames} frames, its annotation says '
                f'{self.num_frames}: another cut of the video, or another frame rate'
            )

    def truth(
        self, num_frames: int, first_frame: int = 0, tolerance: int = TOLERANCE
    ) -> tuple[np.ndarray, list[str]]:
        """Which of its frames are anomalous.

        Args:
            num_frames: Frames of the video at hand.
            first_frame: See :func:`~.functional.frame_ground_truth`.
            tolerance: See there.

        Returns:
            bool, shape (N,), and a line for each event that was cut at the end of the video.

        Raises:
            DatasetError: It has no events, or they do not fit the video; the message names it.
        """
        if self.events is None:
            raise DatasetError(
                f'video {self.video_id!r}: its annotation does not say when anything happens; '
                'frame-level scores need that'
            )
        self.check_length(num_frames)
        try:
            truth = frame_ground_truth(num_frames, self.events, first_frame, tolerance)
        except ValueError as error:
            raise DatasetError(f'video {self.video_id!r}: {error}') from error
        return truth, [
            f'{self.video_id}: event ends at {end}, the video has {num_frames} frames'
            for _, end in self.events
            if end - first_frame >= num_frames
        ]


def read_annotation(path: str | os.PathLike) -> list[AnomalyVideo]:
    """Read a list of videos.

    Of each line, words between blanks, three kinds are read:

    - ``Abuse/Abuse001_x264.mp4``: a path, as in the lists of training videos. The kind of anomaly
      is the letters that its name begins with; a name with ``Normal`` is a normal video.
    - ``Abuse028_x264.mp4  Abuse  165  240  -1  -1``: with the kind, and the first and last frame of
      each event; -1 stands for none. Any number of events.
    - ``Abuse/Abuse028_x264.mp4 1412 Abuse 165 240 -1 -1``: with the number of frames as well.

    Features (``..._i3d.npy``) are not listed so: see ``tools/downstream.py import``.

    Args:
        path: The list.

    Returns:
        The videos, in the order of the list.

    Raises:
        DatasetError: The list cannot be read, is empty, names a video twice, or a line is none of
            these; the message names the line.
    """
    found: dict[str, tuple[str, AnomalyVideo]] = {}
    for where, line in filled_lines(path):
        try:
            video = _row(line.split())
            if video.video_id in found:
                before = found[video.video_id][0].rpartition(':')[2]
                raise ValueError(f'{video.video_id!r} is listed in line {before} already')
        except ValueError as error:
            raise DatasetError(f'{where}: {line!r}: {error}') from error
        found[video.video_id] = where, video
    if not found:
        raise DatasetError(f'{path}: lists no video')
    return [video for _, video in found.values()]


def _row(words: list[str]) -> AnomalyVideo:
    # lists that were written on Windows have its slashes
    video_id = PurePosixPath(PureWindowsPath(words[0]).as_posix()).name
    video_id = re.sub(r'\.[A-Za-z][A-Za-z0-9]{1,3}$', '', video_id)
    if len(words) == 1:
        return AnomalyVideo(video_id, category_of(video_id))
    frames = int(words.pop(1)) if words[1].isdecimal() else None
    if frames == 0:
        raise ValueError('0 frames; expected at least 1')
    category, numbers = (words[1], words[2:]) if len(words) > 1 else (category_of(video_id), [])
    if not _CATEGORY.match(category):
        raise ValueError(
            f'{category!r} is no kind of anomaly; expected a path, or a path, a kind '
            'and the first and last frame of each event (-1 for none)'
        )
    events = _events(numbers) if numbers else None
    if NORMAL.lower() in category.lower():
        category = NORMAL
    if events is not None and bool(events) == (category == NORMAL):
        raise ValueError(
            f'{category} with {len(events)} events; a normal video has none, an '
            'anomalous one at least one'
        )
    return AnomalyVideo(video_id, category, events, frames)


def _events(numbers: list[str]) -> tuple[tuple[int, int], ...]:
    if len(numbers) % 2:
        raise ValueError(
            f'{len(numbers)} frame numbers; expected a first and a last frame of each event'
        )
    events = []
    for start, end in zip(numbers[::2], numbers[1::2], strict=True):
        if start == end == _NO_EVENT:
            continue
        if not (start.isdecimal() and end.isdecimal()) or int(end) < int(start):
            raise ValueError(f'event {start} to {end}; expected its first and last frame, or -1 -1')
        events.append((int(start), int(end)))
    return tuple(events)


def category_of(video_id: str) -> str:
    """Kind of anomaly by the name of a video of UCF-Crime.

    Args:
        video_id: As ``'Abuse001_x264'``, ``'Normal_Videos001_x264'``.

    Raises:
        ValueError: The name does not begin with a letter.
    """
    found = _CATEGORY.match(video_id)
    if found is None:
        raise ValueError(
            f'{video_id!r} does not begin with a kind of anomaly; write it behind the path'
        )
    return NORMAL if NORMAL.lower() in video_id.lower() else found[0]
