"""``tools/downstream.py anomaly``: detectors on feature stores, their tables and pictures."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import nn

from albar_mm.datasets.motion_sprites.clips import LOOKS_PER_CLASS, SCENES_PER_CLASS
from albar_mm.datasets.motion_sprites.looks import CLASSES, rng_for
from albar_mm.datasets.motion_sprites.untrimmed import (
    SPLITS,
    Stretch,
    UntrimmedSpec,
    draw_stretches,
    scatter,
    write_untrimmed,
)
from albar_mm.utils.config_types import is_type
from albar_mm.utils.errors import DatasetError, LaunchError
from albar_mm.utils.files import write_text
from albar_mm.utils.numbers import number, one_of
from albar_mm.utils.video_ids import id_of

from ..detection import runs
from ..features.command import run_features
from ..features.store import FeatureStore
from ..features.videos import choose_reader
from .annotations import NORMAL, AnomalyVideo, read_annotation
from .visualize import ScoredVideo, score_curves, write_overlay

DATA_ROOT = Path('data/anomaly_sprites')
"""Where the config looks for the embedded data, relative to the current folder."""
LISTS = [str(DATA_ROOT / f'{split}.txt') for split in SPLITS]
_DRAWN, _EMBEDDED_DRAWN = 6, 4
_FILES = ('.csv', '.png', '_scored.mp4')
COLUMNS = (
    ('AUC', 'frame/auc'),
    ('AP', 'frame/ap'),
    ('AUC anomalous', 'frame/auc_anomalous'),
    ('false alarms', 'frame/false_alarm_rate'),
    ('video AUC', 'frame/video_auc'),
)
"""Heading and score of the table, all in percent."""
GENERATOR = 'anomaly_sprites/1'
"""Version of the videos. A change of any pixel or truth needs a new one."""
SETTINGS_FILE = 'anomaly_sprites.json'


@dataclass(frozen=True)
class AnomalySpritesSettings:
    """Everything that fixes the data.

    Attributes:
        seed: Of all random choices.
        anomaly: Motion class that is anomalous.
        scene_rate: Share of *training* videos whose scene goes with their label: anomalous ones
            play in the scenes that hint at the anomalous motion in ``motion_sprites``, normal ones
            elsewhere. In testing scene and label are independent.
        train: Training videos, half of them anomalous.
        test: Test videos, half of them anomalous.
        frames: Length of a video.
    """

    seed: int = 0
    anomaly: str = 'move_up_left'
    scene_rate: float = 0.95
    train: int = 160
    test: int = 80
    frames: int = 256

    def __post_init__(self) -> None:
        one_of(self.anomaly, CLASSES, 'anomaly')
        number(self.scene_rate, 'scene_rate', 0, 1, error=ValueError)
        if min(self.train, self.test) < 2 or self.frames < 192:
            raise ValueError('expected at least 2 videos of each split and 192 frames a video')

    @property
    def label(self) -> int:
        """Number of the anomalous class."""
        return CLASSES.index(self.anomaly)


def draw_video(settings: AnomalySpritesSettings, split: str, index: int) -> UntrimmedSpec:
    """Describe a video of ``'train'`` or ``'test'`` by its number; odd ones are anomalous.

    Normal motions of 12 to 28 frames follow each other; in an anomalous video one or two stretches
    of 16 to 40 frames, neither first nor last, are the anomalous motion.
    """
    name, wrong = f'{split}_{index:04d}', settings.label
    rng = rng_for(settings.seed, GENERATOR, name)

    def other() -> int:
        return int((wrong + 1 + rng.randint(len(CLASSES) - 1)) % len(CLASSES))

    anomalous = bool(index % 2)
    inserted = rng.randint(1, 3) if anomalous else 0
    events = [Stretch(wrong, int(n)) for n in rng.randint(16, 41, size=inserted)]
    frames = settings.frames - sum(event.frames for event in events)
    stretches = draw_stretches(frames, 28, other, rng)
    scatter(stretches, events, rng)
    usual = rng.uniform() < settings.scene_rate if split == 'train' else rng.uniform() < 0.5
    hinted = wrong if usual == anomalous else other()
    scene = hinted * SCENES_PER_CLASS + rng.randint(SCENES_PER_CLASS)
    look = rng.randint(len(CLASSES) * LOOKS_PER_CLASS)
    return UntrimmedSpec(settings.seed, name, int(scene), int(look), tuple(stretches))


def build_anomaly_sprites(
    root: str | os.PathLike, settings: AnomalySpritesSettings | None = None, workers: int = 2
) -> Path:
    """Write the videos and their annotation, or reuse those that are there.

    ``videos/<split>/<name>.avi``, ``train.txt`` (video and kind) and ``test.txt`` (video, number of
    frames, kind, first and last frame of each event), as :func:`~.annotations.read_annotation`
    reads them. The rest is as of
    :func:`~albar_mm.datasets.motion_sprites.untrimmed.write_untrimmed`.
    """
    settings = settings or AnomalySpritesSettings()

    def line(split: str, spec: UntrimmedSpec) -> str:
        events = spec.intervals(settings.label)
        path, kind = f'videos/{split}/{spec.name}.avi', settings.anomaly if events else NORMAL
        if split == 'train':
            return f'{path} {kind}\n'
        numbers = [str(n) for event in events for n in event] or ['-1', '-1']
        return f'{path} {spec.num_frames} {kind} {" ".join(numbers)}\n'

    def lists(splits: Mapping[str, Sequence[UntrimmedSpec]]) -> dict[str, str]:
        return {
            f'{split}.txt': ''.join(line(split, spec) for spec in specs)
            for split, specs in splits.items()
        }

    return write_untrimmed(root, settings, SETTINGS_FILE, GENERATOR, draw_video, lists, workers)


def config_for(
    config: str | os.PathLike | Config,
    store: str | os.PathLike,
    train: str | None = None,
    test: str | None = None,
    options: Mapping[str, Any] | Sequence[str] | None = None,
) -> Config:
    """A detector's config for a store, see :func:`~downstream.detection.runs.detector_config`.

    The number of channels is that of the features. ``train`` and ``test`` are the annotations of
    training and test videos; by default the config's.
    """
    lists = dict(train=train, val=train, test=test)
    cfg, channels = runs.detector_config(config, store, 'AnomalyDetector', lists, options)
    part = cfg.model.get('backbone') or cfg.model.head
    part.in_channels = channels
    if is_type(part, 'RTFMNetwork'):
        cfg.model.head.in_channels = channels  # its output is as wide as its input
    return cfg


@torch.inference_mode()
def score_features(detector: nn.Module, features: np.ndarray) -> np.ndarray:
    """Scores of the snippets of a video.

    Args:
        detector: From :func:`~downstream.detection.runs.load_detector`.
        features: Shape (T, C), or (T, crops, C).

    Returns:
        float64 in [0, 1], shape (T,).
    """
    crops = features[:, None] if features.ndim == 2 else features
    video = torch.from_numpy(np.ascontiguousarray(crops.swapaxes(0, 1), np.float32))
    (scores,) = detector([video])
    return scores.double().numpy()


def draw_videos(
    path: str | os.PathLike,
    configs: Mapping[str, Config],
    work_dir: str | os.PathLike,
    seed: int,
    videos: Sequence[AnomalyVideo],
    title: str,
) -> Path:
    """Draw the scores of annotated videos by the last weights of each detector.

    It is ``draw`` of :func:`~downstream.detection.runs.train_and_tell`, of videos with events.
    """
    rows: list[dict[str, ScoredVideo]] = [{} for _ in videos]
    for name, model, store in runs.trained_detectors(configs, work_dir, seed):
        for row, video_id in zip(rows, (video.video_id for video in videos), strict=True):
            scores = score_features(model, store.load(video_id))
            row[name] = ScoredVideo(video_id, store.grid(video_id), scores)
    # the time grid of a video is the same for all of them
    truths = [
        video.truth(next(iter(row.values())).grid.num_frames)[0]
        for video, row in zip(videos, rows, strict=True)
    ]
    return score_curves(path, rows, truths, title)


def tables(records: Mapping[str, Sequence[Mapping[str, Any]]], title: str) -> str:
    """Scores of the last weights, and of those that held-out videos chose, if there are any.

    It is ``tables`` of :func:`~downstream.detection.runs.train_and_tell`.
    """
    chosen = all(runs.BEST[0] in row for rows in records.values() for row in rows)
    parts = []
    for part in (runs.LAST, runs.BEST) if chosen else (runs.LAST,):
        lines = [runs.score_table(records, title, part, COLUMNS)]
        for name, rows in records.items():
            ends = [
                (row[part[0]].get('frame/auc_low'), row[part[0]].get('frame/auc_high'))
                for row in rows
            ]
            if all(None not in pair for pair in ends):
                told = ', '.join(f'{low:.1f} to {high:.1f}' for low, high in ends)
                lines.append(f'{name}: AUC of each seed when videos are drawn anew, 95 %: {told}')
        parts.append('\n'.join(lines))
    if not chosen:
        parts.append('Nothing was chosen: no training video is held out, the last weights count.')
    return '\n\n'.join(parts)


_ROW = 'detector'  # of the table, and folder of its runs
_TOLD_BY = dict(draw=draw_videos, picture='curves.png', tables=tables)


def run_on_features(
    config: str,
    store: str,
    annotations: Sequence[str],
    work_dir: str,
    *,
    seeds: Sequence[int] = (0,),
    options: Mapping[str, Any] | Sequence[str] | None = None,
    extract: Mapping[str, Any] | None = None,
) -> Path:
    """Train and test a detector on features; print its scores, draw curves of test videos.

    Args:
        config: Config of the detector.
        store: Folder of the features.
        annotations: That of the training videos, and that of the test videos, with events.
        work_dir: Folder of the runs, ``results.json`` and ``curves.png``.
        seeds: Of the runs.
        options: Settings that override the config.
        extract: Make the features first: arguments of
            :func:`~downstream.features.command.run_features`.

    Raises:
        DatasetError: Annotation, features and videos do not fit each other.
        LaunchError: The config cannot be used.
    """
    train, test = map(read_annotation, annotations)
    if extract is not None:
        run_features(out=store, **extract)
    _check_before(FeatureStore(store), train, test, annotations[1])
    configs = {_ROW: config_for(config, store, *annotations, options)}
    runs.checked_datasets(configs[_ROW])
    drawn = [video for video in test if video.is_anomalous][:_DRAWN]
    return runs.train_and_tell(
        configs, work_dir, seeds, f'{len(test)} test videos', drawn, _ROW, **_TOLD_BY
    )


def run_on_one(
    video: str,
    checkpoint: str,
    out: str,
    *,
    config: str | None = None,
    threshold: float = 0.5,
    **made: str,
) -> list[Path]:
    """Score one video with a trained detector.

    Args:
        video: The video file.
        checkpoint: Weights of the detector.
        out: Folder for ``<video>.csv`` (frame, second, score), ``<video>.png`` (the curve) and
            ``<video>_scored.mp4``.
        config: Config of the detector; by default what the training kept of it beside the weights.
        threshold: Score from which a frame is marked.
        **made: ``encoder``, ``weights`` and ``device``, see
            :func:`~downstream.detection.runs.features_for_detector`.

    Raises:
        LaunchError: The detector was not trained with this encoder, or something is missing.
        BadVideoError: The video cannot be read.
    """
    number(threshold, 'threshold', error=LaunchError)
    cfg, detector = runs.open_detector(checkpoint, config)
    grid, features = runs.features_for_detector(video, cfg, **made)
    scored = ScoredVideo(id_of(video), grid, score_features(detector, features))
    table, curve, overlay = (Path(out) / f'{scored.name}{end}' for end in _FILES)
    seconds, scores = scored.seconds(), scored.of_frames()
    rows = zip(range(len(scores)), seconds, scores, strict=True)
    write_text(
        table, 'frame,second,score\n' + ''.join(f'{n},{s:.3f},{v:.6f}\n' for n, s, v in rows)
    )
    score_curves(curve, [{'score': scored}], [None])
    write_overlay(overlay, Path(video), scored, choose_reader(), threshold)
    print(
        f'{video}: {grid.num_frames} frames, {int((scores >= threshold).sum())} score at least '
        f'{threshold:g}; highest {scored.scores.max():.3f} at {seconds[scores.argmax()]:.1f} s'
    )
    print(table, curve, overlay, sep='\n')
    return [table, curve, overlay]


def _check_before(
    store: FeatureStore, train: Sequence[AnomalyVideo], test: Sequence[AnomalyVideo], path: str
) -> None:
    """Refuse what would only fail after the training; what it needs itself fails at its start."""
    rest = sorted(set(store.ids()) - {video.video_id for video in (*train, *test)})
    if rest:
        print(
            f'{store.root}: {len(rest)} videos are in neither list and take no part, as {rest[0]!r}'
        )
    for video in test:
        try:
            video.truth(store.grid(video.video_id).num_frames)
        except DatasetError as error:
            raise DatasetError(f'{path}: {error}') from error


def _embedded_drawn() -> list[AnomalyVideo]:
    videos = read_annotation(LISTS[1])
    normal = [video for video in videos if not video.is_anomalous]
    return [video for video in videos if video.is_anomalous][:_EMBEDDED_DRAWN] + normal[:1]


run_embedded = partial(
    runs.run_embedded,
    config='downstream/anomaly_mgfn_sprites.py',
    tested='MGFN on untrimmed motion_sprites',
    build=partial(build_anomaly_sprites, DATA_ROOT),
    sampling=dict(clip_len=8, frame_interval=1, stride=8),
    config_for=lambda config, store, options: config_for(config, store, *LISTS, options),
    drawn=_embedded_drawn,
    **_TOLD_BY,
)
"""The embedded job, see :func:`downstream.detection.runs.run_embedded`."""
