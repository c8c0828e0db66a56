"""Files of annotated actions, as ActionFormer and TriDet read them, and of detections."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import read_json, write_json
from albar_mm.utils.numbers import number
from albar_mm.utils.rows import check_row

from ..features.convert import read_database
from .ranking import Segments

_VERSION = 'VERSION 1.3'  # of ActivityNet's layout


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

    @property
    def beyond(self) -> int:
        """Number of actions that begin beyond the end of the video."""
        return int((self.segments[:, 0] >= self.duration_s).sum())


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
    ``label_id``, as published results have them; without ids, sorted by name. A class may be called
    by a whole number, outer blanks of a name do not count.

    Args:
        path: The file.
        classes: Names by label, where they are known; then the file may have no other.

    Raises:
        DatasetError: The file cannot be read, or an entry cannot be; the message names the video.
    """
    entries = [
        (video, entry, f'{path}: video {video!r}') for video, entry in read_database(path).items()
    ]
    names = _classes(entries, path) if classes is None else tuple(str(c).strip() for c in classes)
    known = {name: label for label, name in enumerate(names)}
    return Annotation(names, tuple(_video(*given, known) for given in entries))


def _classes(entries: Sequence[tuple[str, Any, str]], path: str | os.PathLike) -> tuple[str, ...]:
    ids: dict[str, Any] = {}
    for _, entry, where in entries:
        for action in _actions(entry, where):
            name, label_id = _name(action, where), action.get('label_id')
            if label_id is not None:
                label_id = number(label_id, f'{where}: label_id', 0, whole=True)
            if ids.setdefault(name, label_id) != label_id:
                raise DatasetError(
                    f'{where}: class {name!r} has the label_id {label_id}, and {ids[name]} before'
                )
    if all(label_id is None for label_id in ids.values()):
        return tuple(sorted(ids))
    if None in ids.values() or sorted(ids.values()) != list(range(len(ids))):
        raise DatasetError(
            f'{path}: label_id of the {len(ids)} classes are not the numbers 0 to '
            f'{len(ids) - 1}: renumber them, or leave them out'
        )
    return tuple(sorted(ids, key=ids.get))


def _name(row: Mapping[str, Any], where: str) -> str:
    """Name of a class: text without outer blanks, or a whole number, which is its own name."""
    label = row.get('label')
    name = str(label).strip() if type(label) in (str, int) else ''
    if not name:
        raise DatasetError(
            f'{where}: label {label!r:.80}: expected the name of one class, or its number'
        )
    return name


def _actions(entry: Any, where: str) -> Sequence[Mapping]:
    actions = entry.get('annotations', []) if isinstance(entry, Mapping) else None
    if not isinstance(actions, list) or not all(isinstance(each, Mapping) for each in actions):
        raise DatasetError(
            f'{where}: expected keys "subset", "fps", "duration" and "annotations", a list of '
            'actions'
        )
    return actions


def _video(video: str, entry: Any, where: str, known: Mapping[str, int]) -> SegmentedVideo:
    actions = _actions(entry, where)
    fps = number(entry.get('fps'), f'{where}: "fps" (frames a second)', above=0)
    duration_s = number(entry.get('duration'), f'{where}: "duration" (in seconds)', above=0)
    segments, labels, empty = [], [], 0
    for action in actions:
        begin, end = read_segment(action.get('segment'), where)
        label = _name(action, where)
        if label not in known:
            raise DatasetError(
                f'{where}: class {label!r} is not one of the {len(known)} in the '
                f'list, as {next(iter(known), None)!r}: correct it, or add the class'
            )
        if begin == end:
            empty += 1
            continue
        segments.append((begin, end))
        labels.append(known[label])
    boxes = np.array(segments, np.float64).reshape(-1, 2)
    check_row(entry, where, dict(subset=str))
    subset, of = entry['subset'].strip().lower(), np.array(labels, np.int64)
    return SegmentedVideo(video, subset, fps, duration_s, boxes, of, empty)


def read_segment(value: Any, where: str) -> tuple[float, float]:
    """Begin and end of an action, in seconds.

    Args:
        value: What a file says.
        where: Where it says so, for the message.

    Raises:
        DatasetError: These are not two finite numbers in order.
    """
    try:
        begin, end = (number(each, where) for each in (value if isinstance(value, list) else ()))
    except (TypeError, ValueError, DatasetError) as error:
        raise DatasetError(
            f'{where}: segment {value!r:.80}: expected [begin, end] in seconds'
        ) from error
    if end < begin:
        raise DatasetError(
            f'{where}: segment {value!r} ends before it begins; expected [begin, end] in seconds'
        )
    return begin, end


def read_predictions(
    path: str | os.PathLike, classes: Sequence[str], videos: Collection[str]
) -> Segments:
    """Read a file of detections.

    ``{"results": {video: [{"label": name, "segment": [begin, end], "score": number}]}}``, times in
    seconds; other keys are ignored.

    Args:
        path: The file.
        classes: Names of all classes.
        videos: Names of all annotated videos.

    Returns:
        The detections in the order of the file; labels are indices of ``classes``.

    Raises:
        DatasetError: The file cannot be read, has no detection, or an entry cannot be used; the
            message names it.
    """
    content, words = read_json(path), '{video: [{"label", "segment", "score"}]}'
    check_row(content, os.fspath(path), dict(results=(dict, words)))
    results = content['results']
    if not results:
        raise DatasetError(f'{path}: "results" is empty: no video was tested')
    unknown = sorted(set(results) - set(videos))
    if unknown:
        raise DatasetError(
            f'{path}: {len(unknown)} of {len(results)} videos are not annotated, as '
            f'{", ".join(map(repr, unknown[:3]))}; expected names as '
            f'{next(iter(videos), None)!r}: rename them, or leave them out'
        )
    known = {name: label for label, name in enumerate(classes)}
    rows: list[tuple[str, tuple[float, float], int, float]] = []
    for video, entries in results.items():
        if not isinstance(entries, list):
            raise DatasetError(f'{path}: video {video!r}: expected a list of detections')
        for place, entry in enumerate(entries):
            where = f'{path}: video {video!r}, detection {place}'
            if not isinstance(entry, Mapping):
                raise DatasetError(f'{where}: {entry!r}: expected "label", "segment" and "score"')
            segment = read_segment(entry.get('segment'), where)
            score, label = number(entry.get('score'), f'{where}: score'), _name(entry, where)
            if label not in known:
                raise DatasetError(
                    f'{where}: label {label!r} is not one of the {len(known)} classes, as '
                    f'{next(iter(known), None)!r}'
                )
            rows.append((video, segment, known[label], score))
    if not rows:
        raise DatasetError(
            f'{path}: its videos have no detection: was the score threshold too high?'
        )
    names, segments, labels, scores = zip(*rows, strict=True)
    return Segments(names, np.array(segments), np.array(labels, np.int64), np.array(scores))


def write_predictions(
    path: str | os.PathLike, predictions: Segments, classes: Sequence[str], videos: Sequence[str]
) -> Path:
    """Write detections so that :func:`read_predictions` and ActivityNet's tools read them.

    Args:
        path: The file; it appears whole or not at all.
        predictions: With scores; labels are indices of ``classes``.
        classes: Names of all classes.
        videos: All videos of the test; those without detection have an empty list.
    """
    results: dict[str, list[dict[str, Any]]] = {video: [] for video in videos}
    for video, segment, label, score in zip(
        predictions.videos,
        predictions.segments.tolist(),
        predictions.labels,
        predictions.scores.tolist(),
        strict=True,
    ):
        results[video].append(dict(label=classes[label], segment=segment, score=score))
    write_json(path, dict(version=_VERSION, results=results, external_data={}), indent=None)
    return Path(path)
