"""``tools/downstream.py anomaly`` without arguments: plain and ALBAR encoder on embedded data."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from albar_mm.experiments.demo import demo_encoders

from ..detection.runs import encode_videos, run_detectors
from .annotations import read_annotation
from .embedded import AnomalySpritesSettings, build_anomaly_sprites
from .jobs import config_for, draw_videos, tables

DATA_ROOT = Path('data/anomaly_sprites')
"""Where the config looks for the data, relative to the current folder."""
CONFIG = 'downstream/anomaly_mgfn_sprites.py'
SNIPPETS = dict(clip_len=8, frame_interval=1, stride=8)
_ANOMALOUS_DRAWN = 4


def run_embedded(
    work_dir: str | os.PathLike,
    demo_dir: str | os.PathLike,
    configs: str | os.PathLike = 'configs',
    seeds: Sequence[int] = (0, 1, 2),
    settings: AnomalySpritesSettings | None = None,
    options: Mapping[str, Any] | Sequence[str] | None = None,
    workers: int = 2,
) -> Path:
    """Make the videos, extract features with both encoders, train and test MGFN on each.

    Finished parts are not repeated; encoders are those of the demonstration, trained first where
    they are not there yet.

    Args:
        work_dir: Folder for features, runs, ``results.json`` and ``curves.png``.
        demo_dir: Folder of the demonstration's runs.
        configs: Folder of the configs.
        seeds: Of the detectors.
        settings: Of the data.
        options: Settings that override the detector's config.
        workers: Processes that render videos.

    Returns:
        The picture.
    """
    started, work_dir = time.monotonic(), Path(work_dir)
    encoders = demo_encoders(demo_dir, configs, workers=workers)
    encoded = time.monotonic()
    build_anomaly_sprites(DATA_ROOT, settings, workers)
    lists = [str(DATA_ROOT / f'{split}.txt') for split in ('train', 'test')]
    stores = encode_videos(encoders, DATA_ROOT / 'videos', work_dir, SNIPPETS)
    detectors = {
        name: config_for(Path(configs) / CONFIG, store, *lists, options)
        for name, store in stores.items()
    }
    records = run_detectors(detectors, work_dir, seeds)
    videos = read_annotation(DATA_ROOT / 'test.txt')
    drawn = [video for video in videos if video.is_anomalous][:_ANOMALOUS_DRAWN]
    drawn += [video for video in videos if not video.is_anomalous][:1]
    picture = draw_videos(
        work_dir / 'curves.png',
        detectors,
        work_dir,
        seeds[0],
        drawn,
        'MGFN on untrimmed motion_sprites, test videos',
    )
    print()
    print(tables(records, f'MGFN on untrimmed motion_sprites, {len(seeds)} seed(s)'))
    print(f'scores and settings: {work_dir / "results.json"}\npicture: {picture}')
    own, before = (time.monotonic() - encoded) / 60, (encoded - started) / 60
    print(f'{own:.1f} min, and {before:.1f} min for the encoders')
    return picture
