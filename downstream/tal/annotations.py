"""Annotated segments of untrimmed videos, in the layout that ActionFormer and TriDet read."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from albar_mm.utils.errors import DatasetError


@dataclass(frozen=True)
class SegmentedVideo:
    """A video and its actions.

    Attributes:
        video_id: Its name.
        subset: Part of the data set, lower case, e.g. ``'validation'`` or ``'test'``.
        fps: Frames a second.
        duration_s: Its length.
        segments: Begin and end of each action in seconds, float64, shape (n, 2).
        labels: Class of each, an index of :attr:`Annotation.classes`, int64, shape (n,).
        empty: Actions of no length, which are left out.
    """

    video_id: str
    subset: str
    fps: float
    duration_s: float
    segments: np.ndarray
    labels: np.ndarray
    empty: int = 0


@dataclass(frozen=True)
class Annotation:
    """All of a file.

    Attributes:
        classes: Names, by label.
        videos: In the order of the file.
    """

    classes: tuple[str, ...]
    videos: tuple[SegmentedVideo, ...]

    def of(self, subset: str) -> list[SegmentedVideo]:
        """Videos of a subset.

        Args:
            subset: Its name; case does not matter.

        Raises:
            DatasetError: There is none.
        """
        found = [video for video in self.videos if video.subset == subset.lower()]
        if not found:
            names = ', '.join(sorted({repr(video.subset) for video in self.videos}))
            raise DatasetError(f'subset {subset!r} has no video; there are {names}')
        return found


def read_annotation(path: str | os.PathLike, classes: Sequence[str] | None = None) -> Annotation:
    """Read an annotation file.

    ``{"database": {id: {"subset", "fps", "duration", "annotations": [{"label", "label_id",
    "segment": [begin, end]}]}}}``, times in seconds. Classes are in the order of their
    ``label_id``, as published results have them; without ids, sorted by name.

    Args:
        path: The file.
        classes: Names by label, where they are known; then the file may have no other.

    Raises:
        DatasetError: The file cannot be read, or an entry cannot be; the message names the video.
    """
    path = Path(path)
    try:
        database = json.loads(path.read_text(encoding='utf-8-sig'))['database']
        entries = list(database.items())
    except FileNotFoundError as error:
        raise DatasetError(f'{path}: no such annotation file') from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f'{path}: no annotation with a "database" of videos ({type(error).__name__}: {error})'
        ) from error
    if not entries:
        raise DatasetError(f'{path}: lists no video')
    names = tuple(classes) if classes is not None else _classes(entries, path)
    number = {name: label for label, name in enumerate(names)}
    videos = [_video(video, entry, number, f'{path}: video {video!r}') for video, entry in entries]
    return Annotation(names, tuple(videos))


def _classes(entries: Sequence[tuple[str, Any]], path: Path) -> tuple[str, ...]:
    ids: dict[str, Any] = {}
    for video, entry in entries:
        for action in _actions(entry, f'{path}: video {video!r}'):
            name, number = action.get('label'), action.get('label_id')
            if ids.setdefault(name, number) != number:
                raise DatasetError(
                    f'{path}: video {video!r}: class {name!r} has the label_id '
                    f'{number}, and {ids[name]} before'
                )
    if all(number is None for number in ids.values()):
        return tuple(sorted(map(str, ids)))
    if sorted(map(str, ids.values())) != sorted(map(str, range(len(ids)))):
        raise DatasetError(
            f'{path}: label_id of the {len(ids)} classes are not the numbers 0 to '
            f'{len(ids) - 1}: renumber them, or leave them out'
        )
    return tuple(sorted(ids, key=lambda name: int(ids[name])))


def _actions(entry: Any, where: str) -> Sequence[Mapping]:  # noqa: ANN401
    actions = entry.get('annotations', []) if isinstance(entry, Mapping) else None
    if not isinstance(actions, list) or not all(isinstance(each, Mapping) for each in actions):
        raise DatasetError(
            f'{where}: expected keys "subset", "fps", "duration" and '
            '"annotations", a list of actions'
        )
    return actions


def _video(video: str, entry: Any, number: Mapping[str, int], where: str) -> SegmentedVideo:  # noqa: ANN401
    actions = _actions(entry, where)
    numbers = {
        key: _positive(entry.get(key), f'{where}: "{key}"', meaning)
        for key, meaning in (
            ('fps', 'frames a second of the video, e.g. 30'),
            ('duration', 'its length in seconds'),
        )
    }
    segments, labels, empty = [], [], 0
    for action in actions:
        begin, end = _segment(action.get('segment'), where)
        if action.get('label') not in number:
            raise DatasetError(
                f'{where}: class {action.get("label")!r} is not one of the '
                f'{len(number)} in the list, as {next(iter(number), None)!r}: '
                'correct it, or add the class'
            )
        if begin == end:
            empty += 1
            continue
        segments.append((begin, end))
        labels.append(number[action['label']])
    return SegmentedVideo(
        video,
        str(entry.get('subset', '')).lower(),
        numbers['fps'],
        numbers['duration'],
        np.array(segments, np.float64).reshape(-1, 2),
        np.array(labels, np.int64),
        empty,
    )


def _positive(value: Any, where: str, meaning: str) -> float:  # noqa: ANN401
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not good or not math.isfinite(value) or value <= 0:
        raise DatasetError(
            f'{where} is {"missing" if value is None else repr(value)}: expected {meaning}'
        )
    return float(value)


def _segment(value: Any, where: str) -> tuple[float, float]:  # noqa: ANN401
    try:
        begin, end = map(float, value)
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f'{where}: segment {value!r}: expected [begin, end] in seconds'
        ) from error
    if not begin <= end < math.inf or begin == -math.inf:
        raise DatasetError(
            f'{where}: segment {value!r} ends before it begins, or is no number: '
            'expected [begin, end] in seconds'
        )
    return begin, end
