"""``tools/downstream.py tal``: detectors on feature stores, their checks, tables and pictures."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.structures import BaseDataElement
from torch import nn

from albar_mm.evaluation.tables import format_bias_comparison
from albar_mm.utils.errors import DatasetError, LaunchError

from ..detection import runs
from ..features.command import run_features
from ..features.store import FeatureStore
from ..features.time_grid import TimeGrid
from .annotations import SegmentedVideo, read_annotation, write_predictions
from .checks import check_data
from .embedded import ANNOTATION_FILE, build_tal_sprites
from .ranking import Segments
from .scores import evaluate_file
from .visualize import DetectedVideo, timelines

DATA_ROOT = Path('data/tal_sprites')
"""Where the config looks for the embedded data, relative to the current folder."""
_DRAWN, _EMBEDDED_DRAWN, _TOLD = 6, 4, 10
_SHOWN = 0.2  # score from which an action is drawn
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
    """A detector's config for a store, see :func:`~downstream.detection.runs.detector_config`.

    The number of channels is that of the features; classes, kept in ``classes`` for detecting in a
    video later, are those of the annotation (default: the config's), see
    :func:`~.annotations.read_annotation`; ``missing``: :class:`~.dataset.SegmentFeatureDataset`.
    """
    files = dict.fromkeys(('train', 'val', 'test'), annotation)
    cfg, channels = runs.detector_config(config, store, 'SegmentDetector', files, options)
    cfg.model.projection.in_channels = channels
    datasets = runs.datasets_of(cfg)
    train = datasets['train']
    cfg.classes = list(read_annotation(train.ann_file, train.get('classes')).classes)
    cfg.model.head.num_classes = len(cfg.classes)
    for dataset in datasets.values():
        # of training and test annotation, numbered alike
        dataset.classes, dataset.missing = cfg.classes, missing
    return cfg


def check_before(cfg: Config) -> list[str]:
    """Look at the data of a config before a training, see :func:`~.checks.check_data`.

    Args:
        cfg: From :func:`config_for`.

    Raises:
        DatasetError: The data cannot be used; the message names a video.
    """
    parts = {}
    for name, dataset in runs.datasets_of(cfg).items():
        # whole videos, not random windows of them
        data = parts[name] = DATASETS.build(dict(dataset, max_len=None, _scope_='mmaction'))
        for index in range(len(data)):
            data[index]  # broken features are told of now, not in the middle of a training
    return check_data(cfg.classes, parts)


@torch.inference_mode()
def detect_actions(
    detector: nn.Module,
    name: str,
    features: np.ndarray,
    grid: TimeGrid,
    duration_s: float | None = None,
) -> DetectedVideo:
    """Detect the actions of a video.

    Args:
        detector: From :func:`~downstream.detection.runs.load_detector`.
        name: The video.
        features: Shape (T, C).
        grid: Their time grid.
        duration_s: Length of the video; by default the grid's.
    """
    duration_s = grid.duration_s if duration_s is None else duration_s
    sample = BaseDataElement(metainfo=dict(video_id=name, grid=grid, duration_s=duration_s))
    video = torch.from_numpy(np.ascontiguousarray(features.T, np.float32))
    batch = detector.data_preprocessor(dict(inputs=[video], data_samples=[sample]))
    (found,) = detector(**batch, mode='predict')
    segments, labels = found.pred_segments.numpy(), found.pred_labels.numpy()
    return DetectedVideo(name, duration_s, segments, labels, found.pred_scores.double().numpy())


def draw_videos(
    path: str | os.PathLike,
    configs: Mapping[str, Config],
    work_dir: str | os.PathLike,
    seed: int,
    videos: Sequence[SegmentedVideo],
    title: str,
) -> Path:
    """Draw what the last weights of each detector find in annotated videos.

    It is ``draw`` of :func:`~downstream.detection.runs.train_and_tell`.
    """
    rows: list[dict[str, DetectedVideo]] = []
    for video in videos:
        told = video.segments, video.labels, np.ones(len(video.labels))
        rows.append(dict(truth=DetectedVideo(video.video_id, video.duration_s, *told)))
    for name, model, store in runs.trained_detectors(configs, work_dir, seed):
        for video, row in zip(videos, rows, strict=True):
            features, grid = store.load(video.video_id), store.grid(video.video_id)
            found = detect_actions(model, video.video_id, features, grid, video.duration_s)
            row[name] = found.at_least(_SHOWN)
    classes = next(iter(configs.values())).classes
    return timelines(path, rows, classes, f'{title}, scores from {_SHOWN:g}')


def tables(records: Mapping[str, Sequence[Mapping[str, Any]]], title: str) -> str:
    """Scores of the last weights, and of those that the held-out videos chose, if they did.

    It is ``tables`` of :func:`~downstream.detection.runs.train_and_tell`.
    """
    parts = [(runs.LAST, COLUMNS), (runs.LAST, ERRORS)]
    if all(runs.BEST[0] in row for rows in records.values() for row in rows):
        parts.insert(1, (runs.BEST, COLUMNS))
    return '\n\n'.join(runs.score_table(records, title, part, columns) for part, columns in parts)


_ROW = 'detector'  # of the table, and folder of its runs
_TOLD_BY = dict(draw=draw_videos, picture='timelines.png', tables=tables)


def run_on_features(
    config: str,
    store: str,
    annotations: str,
    work_dir: str,
    *,
    seeds: Sequence[int] = (0,),
    options: Mapping[str, Any] | Sequence[str] | None = None,
    missing: str = 'fail',
    extract: Mapping[str, Any] | None = None,
) -> Path:
    """Check the data, train and test a detector on features, print its scores, draw timelines.

    Args:
        config: Config of the detector.
        store: Folder of the features.
        annotations: Of training and test videos.
        work_dir: Folder of the runs, ``results.json`` and ``timelines.png``.
        seeds: Of the runs.
        options: Settings that override the config.
        missing: See :class:`~.dataset.SegmentFeatureDataset`.
        extract: Make the features first: arguments of
            :func:`~downstream.features.command.run_features`.

    Raises:
        DatasetError: Annotation, features and videos do not fit each other.
        LaunchError: The config cannot be used.
    """
    if extract is not None:
        read_annotation(annotations)  # hours of extraction are not to end with a typing error
        run_features(out=store, **extract)
    cfg = config_for(config, store, annotations, missing, options)
    print('\n'.join(check_before(cfg)))
    subset, opened = cfg.test_dataloader.dataset.subset, FeatureStore(store)
    annotated = read_annotation(annotations, cfg.classes).of(subset)
    test = [video for video in annotated if video.video_id in opened]
    drawn = [video for video in test if len(video.labels)][:_DRAWN]
    return runs.train_and_tell(
        {_ROW: cfg}, work_dir, seeds, f'{len(test)} test videos', drawn, _ROW, **_TOLD_BY
    )


def run_on_one(
    video: str,
    checkpoint: str,
    out: str,
    *,
    config: str | None = None,
    threshold: float = _SHOWN,
    **made: str,
) -> list[Path]:
    """Detect the actions of one video.

    Args:
        video: The video file.
        checkpoint: Weights of the detector.
        out: Folder for ``<video>.json`` (all actions, in ActivityNet's layout of results) and
            ``<video>.png`` (the timeline).
        config: Config of the detector; by default the one beside its weights.
        threshold: Score from which an action is printed and drawn.
        **made: ``encoder``, ``weights`` and ``device``, see
            :func:`~downstream.detection.runs.features_for_detector`.

    Raises:
        LaunchError: The detector was not trained with this encoder, or something is missing.
        BadVideoError: The video cannot be read.
    """
    cfg, detector = runs.open_detector(checkpoint, config)
    if not cfg.get('classes'):
        raise LaunchError(
            f'{cfg.filename}: does not name its classes; train with tools/downstream.py tal'
        )
    grid, features = runs.features_for_detector(video, cfg, **made)
    found = detect_actions(detector, Path(video).stem, features, grid)
    shown = found.at_least(threshold)
    rows = Segments([found.name] * len(found.labels), found.segments, found.labels, found.scores)
    written = [Path(out) / f'{found.name}.json', Path(out) / f'{found.name}.png']
    write_predictions(written[0], rows, cfg.classes, [found.name])
    timelines(written[1], [dict(found=shown)], cfg.classes)
    print(
        f'{found.name}: {found.duration_s:.1f} s, {len(found.scores)} candidates, '
        f'{len(shown.scores)} score at least {threshold:g}'
    )
    told = zip(shown.segments[:_TOLD], shown.labels, shown.scores, strict=False)
    for (begin, end), label, score in told:
        print(f'  {begin:8.2f} to {end:8.2f} s  {score:.3f}  {cfg.classes[label]}')
    if len(shown.scores) > _TOLD:
        print(f'  and {len(shown.scores) - _TOLD} more')
    print(*written, sep='\n')
    return written


def run_evaluate(predictions: str, annotation: str, subset: str = 'test') -> dict[str, float]:
    """Score a file of detections; print mAP, recall, kinds of errors and AP of each class.

    Args:
        predictions: See :func:`~.annotations.read_predictions`.
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
    names = [video.video_id for video in videos]
    scores = evaluate_file(predictions, truth, annotated.classes, names, per_class=True)
    row = {Path(predictions).stem: {f'tal/{name}': value for name, value in scores.items()}}
    classes = {
        name: dict(AP=scores[f'AP_{name}']) for name in annotated.classes if f'AP_{name}' in scores
    }
    counts = f'{len(videos)} {subset} videos, {len(truth.labels)} actions'
    parts = (
        (row, f'{counts}: mAP by tIoU', COLUMNS),
        (row, 'recall and kinds of errors at tIoU 0.5', ERRORS),
        (classes, 'classes, mean over tIoU', [('AP', 'AP')]),
    )
    print('\n\n'.join(format_bias_comparison(*part, 'percent') for part in parts))
    return scores


ANNOTATION = str(DATA_ROOT / ANNOTATION_FILE)
run_embedded = partial(
    runs.run_embedded,
    config='downstream/tal_tridet_sprites.py',
    tested='TriDet on untrimmed motion_sprites',
    build=partial(build_tal_sprites, DATA_ROOT),
    sampling=dict(clip_len=8, frame_interval=1, stride=4, align='centre'),
    config_for=lambda config, store, options: config_for(
        config, store, ANNOTATION, options=options
    ),
    check=check_before,
    drawn=lambda: read_annotation(ANNOTATION).of('test')[:_EMBEDDED_DRAWN],
    **_TOLD_BY,
)
"""The embedded job, see :func:`downstream.detection.runs.run_embedded`."""
