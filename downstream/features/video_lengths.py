"""Frames and frame rate of videos that are not at hand, from the lists that data sets come with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import filled_lines, read_json
from albar_mm.utils.numbers import number
from albar_mm.utils.video_ids import stem_of

Lengths = dict[str, tuple[int, float]]
"""Id -> number of frames, frames a second."""


def read_lengths(path: str | os.PathLike, fps: float | None = None) -> Lengths:
    """Read how long videos are.

    Args:
        path: ``.json``: annotation like ActivityNet's (``database``: id -> ``fps`` and
            ``duration_frame``, or ``fps`` and ``duration`` in seconds), as ActionFormer and TriDet
            read for THUMOS14. Else text: a video and its number of frames a line, whatever
            follows, as in the annotation of UCF-Crime with frame counts.
        fps: Frame rate of all videos, where the file tells none.

    Returns:
        Lengths of all videos of the file; ids are file names without folder and ending.

    Raises:
        DatasetError: The file cannot be read, a line or an entry tells no length, a video is listed
            twice with different ones, or a frame rate is missing.
    """
    path = Path(path)
    if path.suffix == '.json':
        database = read_json(path).get('database')
        if not isinstance(database, dict):
            raise DatasetError(f'{path}: no annotation with a "database" of videos')
        lengths = {
            video: _of_entry(entry, f'{path}: video {video!r}', fps)
            for video, entry in database.items()
        }
    else:
        lengths = _of_lines(path, fps)
    if not lengths:
        raise DatasetError(f'{path}: lists no video')
    return lengths


def _of_lines(path: Path, fps: float | None) -> Lengths:
    lengths: Lengths = {}
    for where, line in filled_lines(path):
        if fps is None:
            raise DatasetError(f'{path}: text tells no frame rate: give it (--fps, e.g. 30)')
        words = line.split()
        if len(words) < 2:
            raise DatasetError(f'{where}: {line!r}: expected a video and its number of frames')
        frames = number(words[1], f'{where}: number of frames of {words[0]!r}', 1, whole=True)
        video, found = stem_of(words[0]), (frames, float(fps))
        if lengths.setdefault(video, found) != found:
            raise DatasetError(f'{where}: {video!r} was listed with {lengths[video][0]} frames')
    return lengths


def _of_entry(entry: Any, where: str, fps: float | None) -> tuple[int, float]:  # noqa: ANN401
    if not isinstance(entry, Mapping):
        raise DatasetError(f'{where}: expected keys "fps" and "duration"')
    rate = entry.get('fps') or fps
    if not rate:
        raise DatasetError(f'{where}: tells no frame rate: give it (--fps, e.g. 30)')
    rate = number(rate, f'{where}: fps', above=0)
    length = entry.get('duration_frame') or entry.get('duration')
    if length is None:
        raise DatasetError(f'{where}: tells no length ("duration" in seconds, or "duration_frame")')
    length = number(length, f'{where}: length', above=0)
    frames = round(length if entry.get('duration_frame') else length * rate)
    return number(frames, f'{where}: number of frames', 1, whole=True), rate
