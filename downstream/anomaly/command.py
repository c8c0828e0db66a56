"""``tools/downstream.py anomaly``: what it does with its arguments."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from albar_mm.engine.launch import load_config
from albar_mm.utils.files import write_text

from ..detection.runs import config_beside, features_for_detector, load_detector, run_detectors
from ..features.command import run_features
from ..features.readers import choose_reader
from ..features.store import FeatureStore
from .annotations import AnomalyVideo, read_annotation
from .detect import ScoredVideo, score_features
from .ground_truth import truth_of_video
from .jobs import config_for, draw_videos, tables
from .overlay import write_overlay
from .visualize import score_curves

_DRAWN = 6


def run_on_features(
    config: str,
    store: str,
    train: str,
    test: str,
    work_dir: str,
    *,
    seeds: Sequence[int] = (0,),
    options: Mapping[str, Any] | Sequence[str] | None = None,
    name: str = 'detector',
) -> Path:
    """Train and test a detector on features; print its scores, draw curves of test videos.

    Args:
        config: Config of the detector.
        store: Folder of the features.
        train: Annotation of the training videos.
        test: Annotation of the test videos, with events.
        work_dir: Folder of the runs, ``results.json`` and ``curves.png``.
        seeds: Of the runs.
        options: Settings that override the config.
        name: Row of the table.

    Returns:
        The picture.

    Raises:
        DatasetError: Annotation, features and videos do not fit each other.
        LaunchError: The config cannot be used.
    """
    annotated = read_annotation(test)
    _check_before(FeatureStore(store), read_annotation(train), annotated)
    configs = {name: config_for(config, store, train, test, options)}
    records = run_detectors(configs, work_dir, seeds)
    drawn = [video for video in annotated if video.is_anomalous][:_DRAWN]
    picture = draw_videos(Path(work_dir) / 'curves.png', configs, work_dir, seeds[0], drawn, name)
    print()
    print(tables(records, f'{len(annotated)} test videos, {len(seeds)} seed(s)'))
    print(f'scores and settings: {Path(work_dir) / "results.json"}\npicture: {picture}')
    return picture


def run_on_videos(
    config: str,
    encoder: str,
    weights: str,
    videos: Sequence[str],
    train: str,
    test: str,
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
        train: Annotation of the training videos.
        test: Annotation of the test videos.
        work_dir: Folder of all that is written.
        preset: See :func:`~downstream.features.presets.sampling_of`.
        sampling: See there.
        device: Where the encoder runs.
        **given: Further arguments of :func:`run_on_features`.
    """
    store = os.path.join(work_dir, 'features')
    run_features(encoder, weights, videos, store, preset=preset, sampling=sampling, device=device)
    options = list(given.pop('options', None) or [])
    return run_on_features(config, store, train, test, work_dir, options=options, **given)


def run_score(
    video: str,
    checkpoint: str,
    out: str,
    *,
    encoder: str,
    weights: str,
    config: str | None = None,
    threshold: float = 0.5,
    decoder: str = 'auto',
    device: str = 'cpu',
    overlay: bool = True,
) -> list[Path]:
    """Score one video with a trained detector.

    Args:
        video: The video file.
        checkpoint: Weights of the detector.
        out: Folder for ``<video>.csv`` (frame, second, score), ``<video>.png`` (the curve) and
            ``<video>_scored.mp4``.
        encoder: Config of the encoder.
        weights: Its checkpoint, the one that the detector was trained with.
        config: Config of the detector; by default the one beside its weights.
        threshold: Score from which a frame is marked.
        decoder: See :func:`~downstream.features.readers.choose_reader`.
        device: Where the encoder runs.
        overlay: Write the video with its score.

    Returns:
        The files.

    Raises:
        LaunchError: The detector was not trained with this encoder, or something is missing.
        BadVideoError: The video cannot be read.
    """
    cfg = load_config(config or config_beside(checkpoint))
    detector = load_detector(cfg, checkpoint)
    grid, features = features_for_detector(video, cfg, encoder, weights, decoder, device)
    scored = ScoredVideo(Path(video).stem, grid, score_features(detector, features))
    folder = Path(out)
    written = [folder / f'{scored.name}.csv', folder / f'{scored.name}.png']
    _write_csv(written[0], scored)
    score_curves(written[1], [{'score': scored}], [None])
    if overlay:
        written.append(
            write_overlay(
                folder / f'{scored.name}_scored.mp4',
                Path(video),
                scored,
                choose_reader(decoder),
                threshold,
            )
        )
    above = int((scored.of_frames() >= threshold).sum())
    print(
        f'{video}: {scored.grid.num_frames} frames, {above} score at least {threshold:g}; '
        f'highest {scored.scores.max():.3f} at {_highest_s(scored):.1f} s'
    )
    print('\n'.join(map(str, written)))
    return written


def _check_before(
    store: FeatureStore, train: Sequence[AnomalyVideo], test: Sequence[AnomalyVideo]
) -> None:
    """Refuse what would only fail after the training; what it needs itself fails at its start."""
    rest = sorted(set(store.ids()) - {video.video_id for video in (*train, *test)})
    if rest:
        print(
            f'{store.root}: {len(rest)} videos are in neither list and take no part, as {rest[0]!r}'
        )
    for video in test:
        truth_of_video(video, store.grid(video.video_id).num_frames)


def _write_csv(path: Path, scored: ScoredVideo) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator='\n')
    writer.writerow(['frame', 'second', 'score'])
    for frame, (second, score) in enumerate(zip(scored.seconds(), scored.of_frames(), strict=True)):
        writer.writerow([frame, f'{second:.3f}', f'{score:.6f}'])
    write_text(path, buffer.getvalue())


def _highest_s(scored: ScoredVideo) -> float:
    return float(scored.seconds()[int(np.argmax(scored.of_frames()))])
