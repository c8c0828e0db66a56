"""Frames and frame rate of videos that are not at hand, from the lists that data sets come with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from albar_mm.utils.errors import DatasetError

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
        Lengths of all videos of the file; ids are file names without folder and suffix.

    Raises:
        DatasetError: The file cannot be read, a line or an entry tells no length, a video is listed
            twice with different ones, or a frame rate is missing.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f'{path}: cannot be read as a list of lengths: {error}') from error
    lengths = _of_json(text, path, fps) if path.suffix == '.json' else _of_lines(text, path, fps)
    if not lengths:
        raise DatasetError(f'{path}: lists no video')
    return lengths


def _of_lines(text: str, path: Path, fps: float | None) -> Lengths:
    if fps is None:
        raise DatasetError(f'{path}: text tells no frame rate: give it (--fps, e.g. 30)')
    lengths: Lengths = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if len(words) < 2 or not words[1].isdecimal() or int(words[1]) < 1:
            raise DatasetError(
                f'{path}:{number}: {line.strip()!r}: expected a video and its number of frames'
            )
        video, found = PurePosixPath(words[0]).stem, (int(words[1]), float(fps))
        if lengths.setdefault(video, found) != found:
            raise DatasetError(
                f'{path}:{number}: {video!r} was listed with {lengths[video][0]} frames before'
            )
    return lengths


def _of_json(text: str, path: Path, fps: float | None) -> Lengths:
    try:
        database = json.loads(text)['database']
        entries = dict(database)
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f'{path}: no annotation with a "database" of videos ({type(error).__name__}: {error})'
        ) from error
    return {
        video: _of_entry(entry, f'{path}: video {video!r}', fps) for video, entry in entries.items()
    }


def _of_entry(entry: Any, where: str, fps: float | None) -> tuple[int, float]:  # noqa: ANN401
    if not isinstance(entry, Mapping):
        raise DatasetError(f'{where}: expected keys "fps" and "duration"')
    try:
        rate = float(entry.get('fps') or fps or 0)
        frames = round(float(entry.get('duration_frame') or float(entry['duration']) * rate))
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f'{where}: tells no length ("duration" in seconds, or "duration_frame")'
        ) from error
    if rate <= 0:
        raise DatasetError(f'{where}: tells no frame rate: give it (--fps, e.g. 30)')
    if frames < 1:
        raise DatasetError(f'{where}: lasts {frames} frames')
    return frames, rate
