"""``tools/downstream.py tal``: what it does with its arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from albar_mm.engine.launch import load_config
from albar_mm.evaluation.tables import format_bias_comparison
from albar_mm.utils.errors import DatasetError, LaunchError

from ..detection.runs import config_beside, features_for_detector, load_detector, run_detectors
from ..features.command import run_features
from ..features.store import FeatureStore
from .annotations import read_annotation
from .detect import DetectedVideo, detect_actions
from .jobs import COLUMNS, ERRORS, check_before, config_for, draw_videos, tables
from .predictions import evaluate_file, write_predictions
from .ranking import Segments
from .visualize import timelines

_DRAWN, _TOLD = 6, 10


def run_on_features(
    config: str,
    store: str,
    annotation: str,
    work_dir: str,
    *,
    seeds: Sequence[int] = (0,),
    missing: str = 'fail',
    options: Mapping[str, Any] | Sequence[str] | None = None,
    name: str = 'detector',
) -> Path:
    """Check the data, train and test a detector on features, print its scores, draw timelines.

    Args:
        config: Config of the detector.
        store: Folder of the features.
        annotation: Of training and test videos.
        work_dir: Folder of the runs, ``results.json`` and ``timelines.png``.
        seeds: Of the runs.
        missing: See :class:`~.dataset.SegmentFeatureDataset`.
        options: Settings that override the config.
        name: Row of the table.

    Returns:
        The picture.

    Raises:
        DatasetError: Annotation, features and videos do not fit each other.
        LaunchError: The config cannot be used.
    """
    configs = {name: config_for(config, store, annotation, missing, options)}
    print('\n'.join(check_before(configs[name])))
    records = run_detectors(configs, work_dir, seeds)
    subset, opened = configs[name].test_dataloader.dataset.subset, FeatureStore(store)
    annotated = read_annotation(annotation, configs[name].classes).of(subset)
    test = [video for video in annotated if video.video_id in opened]
    drawn = [video for video in test if len(video.labels)][:_DRAWN]
    picture = draw_videos(
        Path(work_dir) / 'timelines.png', configs, work_dir, seeds[0], drawn, name
    )
    print()
    print(tables(records, f'{len(test)} test videos, {len(seeds)} seed(s)'))
    print(f'scores and settings: {Path(work_dir) / "results.json"}\npicture: {picture}')
    return picture


def run_on_videos(
    config: str,
    encoder: str,
    weights: str,
    videos: Sequence[str],
    annotation: str,
    work_dir: str,
    *,
    preset: str | None = None,
    sampling: Mapping[str, Any] | None = None,
    device: str | None = None,
    **given: Any,  # noqa: ANN401
) -> Path:
    """Extract features of videos into ``<work_dir>/features``, then :func:`run_on_features`.

    Args:
        config: Config of the detector.
        encoder: Config of the encoder.
        weights: Its checkpoint.
        videos: See :func:`~downstream.features.videos.find_videos`.
        annotation: Of training and test videos.
        work_dir: Folder of all that is written.
        preset: See :func:`~downstream.features.presets.sampling_of`.
        sampling: See there.
        device: Where the encoder runs.
        **given: Further arguments of :func:`run_on_features`.
    """
    read_annotation(annotation)  # hours of extraction are not to end with a typing error
    store = os.path.join(work_dir, 'features')
    run_features(encoder, weights, videos, store, preset=preset, sampling=sampling, device=device)
    return run_on_features(config, store, annotation, work_dir, **given)


def run_detect(
    video: str,
    checkpoint: str,
    out: str,
    *,
    encoder: str,
    weights: str,
    config: str | None = None,
    threshold: float = 0.2,
    decoder: str = 'auto',
    device: str = 'cpu',
) -> list[Path]:
    """Detect the actions of one video.

    Args:
        video: The video file.
        checkpoint: Weights of the detector.
        out: Folder for ``<video>.json`` (all actions, in ActivityNet's layout of results) and
            ``<video>.png`` (the timeline).
        encoder: Config of the encoder.
        weights: Its checkpoint, the one that the detector was trained with.
        config: Config of the detector; by default the one beside its weights.
        threshold: Score from which an action is printed and drawn.
        decoder: See :func:`~downstream.features.readers.choose_reader`.
        device: Where the encoder runs.

    Returns:
        The files.

    Raises:
        LaunchError: The detector was not trained with this encoder, or something is missing.
        BadVideoError: The video cannot be read.
    """
    cfg = load_config(config or config_beside(checkpoint))
    if not cfg.get('classes'):
        raise LaunchError(
            f'{cfg.filename}: does not name its classes; train with tools/downstream.py tal'
        )
    detector = load_detector(cfg, checkpoint)
    grid, features = features_for_detector(video, cfg, encoder, weights, decoder, device)
    found = detect_actions(detector, Path(video).stem, features, grid)
    rows = Segments([found.name] * len(found.labels), found.segments, found.labels, found.scores)
    written = [
        write_predictions(Path(out) / f'{found.name}.json', rows, cfg.classes, [found.name]),
        timelines(
            Path(out) / f'{found.name}.png', [dict(found=found.at_least(threshold))], cfg.classes
        ),
    ]
    print('\n'.join([*_told(found, cfg.classes, threshold), *map(str, written)]))
    return written


def run_evaluate(predictions: str, annotation: str, subset: str = 'test') -> dict[str, float]:
    """Score a file of detections; print mAP, recall, kinds of errors and AP of each class.

    Args:
        predictions: See :func:`~.predictions.read_predictions`.
        annotation: See :func:`~.annotations.read_annotation`.
        subset: Which annotated videos the detections are about.

    Returns:
        Name -> percent, see :func:`~.scores.temporal_scores`.

    Raises:
        DatasetError: A file cannot be read, detections are not about these videos and classes, or
            no video has an action.
    """
    annotated = read_annotation(annotation)
    videos = annotated.of(subset)
    truth = Segments(
        [video.video_id for video in videos for _ in video.labels],
        np.concatenate([video.segments for video in videos]),
        np.concatenate([video.labels for video in videos]),
    )
    if not len(truth.labels):
        raise DatasetError(f'{annotation}: none of the {len(videos)} {subset} videos has an action')
    scores = evaluate_file(
        predictions, truth, annotated.classes, [video.video_id for video in videos], per_class=True
    )
    row = {Path(predictions).stem: {f'tal/{name}': value for name, value in scores.items()}}
    counts = f'{len(videos)} {subset} videos, {len(truth.labels)} actions'
    classes = {
        name: dict(AP=scores[f'AP_{name}']) for name in annotated.classes if f'AP_{name}' in scores
    }
    print(
        '\n\n'.join(
            [
                format_bias_comparison(row, f'{counts}: mAP by tIoU', COLUMNS, 'percent'),
                format_bias_comparison(
                    row, 'recall and kinds of errors at tIoU 0.5', ERRORS, 'percent'
                ),
                format_bias_comparison(
                    classes, 'classes, mean over tIoU', [('AP', 'AP')], 'percent'
                ),
            ]
        )
    )
    return scores


def _told(found: DetectedVideo, classes: Sequence[str], threshold: float) -> list[str]:
    shown = found.at_least(threshold)
    lines = [
        f'{found.name}: {found.duration_s:.1f} s, {len(found.scores)} candidates, '
        f'{len(shown.scores)} score at least {threshold:g}'
    ]
    for (begin, end), label, score in zip(
        shown.segments[:_TOLD], shown.labels, shown.scores, strict=False
    ):
        lines.append(f'  {begin:8.2f} to {end:8.2f} s  {score:.3f}  {classes[label]}')
    if len(shown.scores) > _TOLD:
        lines.append(f'  and {len(shown.scores) - _TOLD} more')
    return lines
