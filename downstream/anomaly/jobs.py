"""Anomaly detectors on feature stores: their configs, tables and pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from albar_mm.evaluation.tables import format_bias_comparison

from ..detection.runs import detector_config, last_weights, load_detector
from ..features.store import FeatureStore
from .annotations import AnomalyVideo
from .detect import ScoredVideo, score_features
from .ground_truth import truth_of_video
from .visualize import score_curves

COLUMNS = (
    ('AUC', 'frame/auc'),
    ('AP', 'frame/ap'),
    ('AUC anomalous', 'frame/auc_anomalous'),
    ('false alarms', 'frame/false_alarm_rate'),
    ('video AUC', 'frame/video_auc'),
)
"""Heading and score of the table, all in percent."""


def config_for(
    config: str | os.PathLike | Config,
    store: str | os.PathLike,
    train: str | None = None,
    test: str | None = None,
    options: Mapping[str, Any] | Sequence[str] | None = None,
) -> Config:
    """A detector's config for a store and annotation.

    The number of channels is that of the features, and ``feature_settings`` keeps how they were
    made, for scoring a video later.

    Args:
        config: Config of a detector.
        store: Folder of the features.
        train: Annotation of the training videos; by default the config's.
        test: Annotation of the test videos; by default the config's.
        options: Settings that override the config.

    Raises:
        DatasetError: The store cannot be read or is empty.
        LaunchError: The config is no detector's.
    """
    cfg, channels = detector_config(config, store, 'AnomalyDetector', options)
    part = cfg.model.get('backbone') or cfg.model.head
    part.in_channels = channels
    if part.type == 'RTFMNetwork':
        cfg.model.head.in_channels = channels  # its output is as wide as its input
    for name, annotation in (('train', train), ('val', train), ('test', test)):
        dataset = cfg[f'{name}_dataloader'].dataset
        dataset.store = os.fspath(store)
        if annotation is not None:
            dataset.ann_file = os.fspath(annotation)
    return cfg


def draw_videos(
    path: str | os.PathLike,
    configs: Mapping[str, Config],
    work_dir: str | os.PathLike,
    seed: int,
    videos: Sequence[AnomalyVideo],
    title: str,
) -> Path:
    """Draw the scores of annotated videos by the last weights of each detector.

    Args:
        path: PNG or PDF file to write.
        configs: As for :func:`~downstream.detection.runs.run_detectors`.
        work_dir: As there.
        seed: Which runs.
        videos: The videos, with events.
        title: Heading; the seed is added.

    Returns:
        The file.
    """
    rows: list[dict[str, ScoredVideo]] = [{} for _ in videos]
    for name, cfg in configs.items():
        store = FeatureStore(cfg.test_dataloader.dataset.store)
        model = load_detector(cfg, last_weights(work_dir, name, seed))
        for video, row in zip(videos, rows, strict=True):
            row[name] = ScoredVideo(
                video.video_id,
                store.grid(video.video_id),
                score_features(model, store.load(video.video_id)),
            )
    # the time grid of a video is the same for all of them
    truths = [
        truth_of_video(video, next(iter(row.values())).grid.num_frames)[0]
        for video, row in zip(videos, rows, strict=True)
    ]
    return score_curves(path, rows, truths, f'{title}, seed {seed}')


def tables(records: Mapping[str, Sequence[Mapping[str, Any]]], title: str) -> str:
    """Scores of the last weights, and of those that the held-out videos chose.

    Args:
        records: See :func:`~downstream.detection.runs.run_detectors`.
        title: What was tested.
    """
    parts = (('metrics', 'last weights'), ('metrics_best', 'chosen on held-out training videos'))
    return '\n\n'.join(
        format_bias_comparison(
            {name: [row[part] for row in rows] for name, rows in records.items()},
            f'{title}, {what}',
            COLUMNS,
            'percent',
        )
        + _intervals(records, part)
        for part, what in parts
    )


def _intervals(records: Mapping[str, Sequence[Mapping[str, Any]]], part: str) -> str:
    lines = ['']
    for name, rows in records.items():
        ends = [(row[part].get('frame/auc_low'), row[part].get('frame/auc_high')) for row in rows]
        if all(None not in pair for pair in ends):
            lines.append(
                f'{name}: AUC of each seed when videos are drawn anew, 95 %: '
                + ', '.join(f'{low:.1f} to {high:.1f}' for low, high in ends)
            )
    return '\n'.join(lines)
