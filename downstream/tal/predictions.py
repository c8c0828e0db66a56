"""Files of detections, in the layout of ActivityNet's evaluation."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import write_text

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
    path = Path(path)
    results = _results(path)
    unknown = sorted(set(results) - set(videos))
    if unknown:
        raise DatasetError(
            f'{path}: {len(unknown)} of {len(results)} videos are not annotated, as '
            f'{", ".join(map(repr, unknown[:3]))}; expected names as '
            f'{next(iter(videos), None)!r}: rename them, or leave them '
            'out'
        )
    number = {name: label for label, name in enumerate(classes)}
    names, segments, labels, scores = [], [], [], []
    for video, entries in results.items():
        if not isinstance(entries, list):
            raise DatasetError(f'{path}: video {video!r}: expected a list of detections')
        for place, entry in enumerate(entries):
            try:
                segment, label, score = _entry(entry, number)
            except ValueError as error:
                raise DatasetError(f'{path}: video {video!r}, detection {place}: {error}') from None
            names.append(video)
            segments.append(segment)
            labels.append(label)
            scores.append(score)
    if not names:
        raise DatasetError(
            f'{path}: its videos have no detection: was the score threshold too high?'
        )
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
    document = dict(version=_VERSION, results=results, external_data={})
    write_text(Path(path), json.dumps(document, ensure_ascii=False) + '\n')
    return Path(path)


def evaluate_file(
    path: str | os.PathLike,
    ground_truth: Segments,
    classes: Sequence[str],
    videos: Collection[str] | None = None,
    **options: Any,
) -> (  # noqa: ANN401
    dict[str, float]
):
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


def _results(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding='utf-8-sig'))
    except FileNotFoundError as error:
        raise DatasetError(f'{path}: no such prediction file') from error
    except (OSError, ValueError) as error:
        raise DatasetError(
            f'{path}: cannot be read as JSON ({type(error).__name__}: {error})'
        ) from error
    results = document.get('results') if isinstance(document, dict) else None
    if not isinstance(results, dict):
        raise DatasetError(
            f'{path}: expected {{"results": {{video: [{{"label", "segment", "score"}}]}}}}'
        )
    if not results:
        raise DatasetError(f'{path}: "results" is empty: no video was tested')
    return results


def _entry(entry: Any, number: Mapping[str, int]) -> tuple[list[float], int, float]:  # noqa: ANN401
    if not isinstance(entry, Mapping):
        raise ValueError(f'{entry!r}: expected "label", "segment" and "score"')
    segment = entry.get('segment')
    if not isinstance(segment, list) or len(segment) != 2 or not all(map(_finite, segment)):
        raise ValueError(f'segment is {segment!r}: expected [begin, end] in seconds')
    if segment[1] < segment[0]:
        raise ValueError(f'segment {segment!r} ends before it begins')
    if not _finite(entry.get('score')):
        said = repr(entry['score']) if 'score' in entry else 'missing'
        raise ValueError(f'score is {said}: expected a finite number')
    label = entry.get('label')
    if not isinstance(label, str) or label not in number:
        raise ValueError(
            f'label {label!r} is not one of the {len(number)} classes, as '
            f'{next(iter(number), None)!r}'
        )
    return segment, number[label], entry['score']


def _finite(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
