"""Detectors of actions on feature stores: their configs, checks, tables and pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.registry import DATASETS
from mmengine.config import Config, ConfigDict

from albar_mm.evaluation.tables import format_bias_comparison

from ..detection.runs import detector_config, last_weights, load_detector
from ..features.store import FeatureStore
from .annotations import SegmentedVideo, read_annotation
from .checks import Part, check_data
from .detect import DetectedVideo, detect_actions
from .visualize import timelines

COLUMNS = (
    ('mAP', 'tal/mAP'),
    *((f'@{tiou}', f'tal/mAP@{tiou}') for tiou in ('0.3', '0.4', '0.5', '0.6', '0.7')),
)
"""Heading and score of the table, all in percent; the first is the mean of the others."""
ERRORS = (
    ('recall 1x', 'tal/recall@1x@0.5'),
    ('recall 5x', 'tal/recall@5x@0.5'),
    ('background', 'tal/fp_background'),
    ('localisation', 'tal/fp_localisation'),
    ('wrong label', 'tal/fp_wrong_label'),
    ('double', 'tal/fp_double_detection'),
    ('confusion', 'tal/fp_confusion'),
)
"""Likewise: recall at tIoU 0.5, and kinds of false positives among the best detections."""


def config_for(
    config: str | os.PathLike | Config,
    store: str | os.PathLike,
    annotation: str | None = None,
    missing: str = 'fail',
    options: Mapping[str, Any] | Sequence[str] | None = None,
) -> Config:
    """A detector's config for a store and annotation.

    The number of channels is that of the features, classes are those of the annotation;
    ``feature_settings`` and ``classes`` are kept, for detecting in a video later.

    Args:
        config: Config of a detector.
        store: Folder of the features.
        annotation: See :func:`~.annotations.read_annotation`; by default the config's.
        missing: See :class:`~.dataset.SegmentFeatureDataset`.
        options: Settings that override the config.

    Raises:
        DatasetError: The store or the annotation cannot be read.
        LaunchError: The store is empty, or the config is no detector's.
    """
    cfg, channels = detector_config(config, store, 'SegmentDetector', options)
    cfg.model.projection.in_channels = channels
    datasets = _datasets(cfg)
    for dataset in datasets.values():
        dataset.store, dataset.missing = os.fspath(store), missing
        if annotation is not None:
            dataset.ann_file = os.fspath(annotation)
    train = datasets['train']
    cfg.classes = list(read_annotation(train.ann_file, train.get('classes')).classes)
    cfg.model.head.num_classes = len(cfg.classes)
    for dataset in datasets.values():
        dataset.classes = cfg.classes  # of training and test annotation, numbered alike
    return cfg


def check_before(cfg: Config) -> list[str]:
    """Look at the data of a config before a training, see :func:`~.checks.check_data`.

    Args:
        cfg: From :func:`config_for`.

    Returns:
        Lines for the terminal.

    Raises:
        DatasetError: The data cannot be used; the message names a video.
    """
    parts = []
    for name, dataset in _datasets(cfg).items():
        # whole videos, not random windows of them
        data = DATASETS.build(dict(dataset, max_len=None, _scope_='mmaction'))
        parts.append(Part(name, data.videos(), data.store, data.dropped))
        for index in range(len(data)):
            data[index]  # broken features are told of now, not in the middle of a training
    return check_data(cfg.classes, parts)


def _datasets(cfg: Config) -> dict[str, ConfigDict]:
    """Those of the loaders that there are."""
    return {
        name: cfg[f'{name}_dataloader'].dataset
        for name in ('train', 'val', 'test')
        if cfg.get(f'{name}_dataloader') is not None
    }


def draw_videos(
    path: str | os.PathLike,
    configs: Mapping[str, Config],
    work_dir: str | os.PathLike,
    seed: int,
    videos: Sequence[SegmentedVideo],
    title: str,
    threshold: float = 0.2,
) -> Path:
    """Draw what the last weights of each detector find in annotated videos.

    Args:
        path: PNG or PDF file to write.
        configs: As for :func:`~downstream.detection.runs.run_detectors`.
        work_dir: As there.
        seed: Which runs.
        videos: The videos.
        title: Heading; the seed is added.
        threshold: Score from which an action is drawn.

    Returns:
        The file.
    """
    rows: list[dict[str, DetectedVideo]] = [dict(truth=as_truth(video)) for video in videos]
    for name, cfg in configs.items():
        store = FeatureStore(cfg.test_dataloader.dataset.store)
        model = load_detector(cfg, last_weights(work_dir, name, seed))
        for video, row in zip(videos, rows, strict=True):
            found = detect_actions(
                model,
                video.video_id,
                store.load(video.video_id),
                store.grid(video.video_id),
                video.duration_s,
            )
            row[name] = found.at_least(threshold)
    classes = next(iter(configs.values())).classes
    return timelines(path, rows, classes, f'{title}, seed {seed}, scores from {threshold:g}')


def as_truth(video: SegmentedVideo) -> DetectedVideo:
    """Annotated actions, as a detector would tell them.

    Args:
        video: The annotation.
    """
    return DetectedVideo(
        video.video_id, video.duration_s, video.segments, video.labels, np.ones(len(video.labels))
    )


def tables(records: Mapping[str, Sequence[Mapping[str, Any]]], title: str) -> str:
    """Scores of the last weights, and of those that the held-out videos chose, if they did.

    Args:
        records: See :func:`~downstream.detection.runs.run_detectors`.
        title: What was tested.
    """
    parts = [('metrics', 'last weights', COLUMNS), ('metrics', 'last weights', ERRORS)]
    if all('metrics_best' in row for rows in records.values() for row in rows):
        parts.insert(1, ('metrics_best', 'chosen on held-out training videos', COLUMNS))
    return '\n\n'.join(
        format_bias_comparison(
            {name: [row[part] for row in rows] for name, rows in records.items()},
            f'{title}, {what}',
            columns,
            'percent',
        )
        for part, what, columns in parts
    )
