"""Which videos there are, whether they are anomalous, and when: the lists of UCF-Crime."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from albar_mm.utils.errors import DatasetError

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
    path = Path(path)
    try:
        text = path.read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f'{path}: cannot be read as a list of videos: {error}') from error
    lines: dict[str, int] = {}
    videos = []
    for number, video in _rows(text, path):
        if video.video_id in lines:
            raise DatasetError(
                f'{path}:{number}: {video.video_id!r} is listed in line '
                f'{lines[video.video_id]} already'
            )
        lines[video.video_id] = number
        videos.append(video)
    if not videos:
        raise DatasetError(f'{path}: lists no video')
    return videos


def _rows(text: str, path: Path) -> Iterator[tuple[int, AnomalyVideo]]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            yield number, _row(words)
        except ValueError as error:
            raise DatasetError(f'{path}:{number}: {line.strip()!r}: {error}') from error


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
