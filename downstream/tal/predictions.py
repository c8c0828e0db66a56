"""Files of detections, in the layout of ActivityNet's evaluation."""

import logging
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import read_json, write_json
from albar_mm.utils.numbers import number

from .annotations import read_segment
from .ranking import Segments
from .scores import temporal_scores

_VERSION = 'VERSION 1.3'  # of ActivityNet's layout


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
    results = read_json(path, object)
    results = results.get('results') if isinstance(results, dict) else None
    if not isinstance(results, dict):
        raise DatasetError(
            f'{path}: expected {{"results": {{video: [{{"label", "segment", "score"}}]}}}}'
        )
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
            score, label = number(entry.get('score'), f'{where}: score'), entry.get('label')
            if not isinstance(label, str) or label not in known:
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

    Returns:
        The file.
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


def evaluate_file(
    path: str | os.PathLike,
    ground_truth: Segments,
    classes: Sequence[str],
    videos: Collection[str] | None = None,
    **options: Any,
) -> dict[str, float]:
    """Scores of a file of detections.

    Args:
        path: See :func:`read_predictions`.
        ground_truth: The annotation; labels are indices of ``classes``.
        classes: Names of all classes.
        videos: Names of all annotated videos; None: those of ``ground_truth``.
        **options: Of :func:`~.scores.temporal_scores`.

    Returns:
        Name -> percent. Actions of videos without a detection count; a warning tells of them.

    Raises:
        DatasetError: As :func:`read_predictions`.
        ValueError: As :func:`~.scores.temporal_scores`.
    """
    if videos is None:
        videos = list(dict.fromkeys(ground_truth.videos))
    predictions = read_predictions(path, classes, videos)
    shown = set(ground_truth.videos)
    silent = sorted(shown - set(predictions.videos))
    if silent:
        print_log(
            f'{path}: no detection in {len(silent)} of the {len(shown)} videos with actions, '
            f'as {silent[0]!r}: their actions count as missed',
            'current',
            logging.WARNING,
        )
    return temporal_scores(ground_truth, predictions, classes, **options)
