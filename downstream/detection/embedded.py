"""Both transfers on embedded data: how untrimmed ``motion_sprites`` are drawn, and the job."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from albar_mm.datasets.motion_sprites.untrimmed import Stretch
from albar_mm.experiments.demo import demo_encoders

from ..features.command import run_features
from .runs import folder_name, train_and_tell

_SHORTEST = 12


def draw_stretches(
    frames: int, longest: int, label: Callable[[], int], rng: np.random.RandomState
) -> list[Stretch]:
    """Motions that follow each other.

    Args:
        frames: Length of all.
        longest: Of one, in frames; each has at least 12, and the last one up to 11 more.
        label: Draws the class of the next.
        rng: Of the lengths.
    """
    stretches: list[Stretch] = []
    while frames:
        length = int(rng.randint(_SHORTEST, longest + 1))
        if frames - length < _SHORTEST:
            length = frames
        stretches.append(Stretch(label(), length))
        frames -= length
    return stretches


def scatter(
    stretches: list[Stretch], inserted: Sequence[Stretch], rng: np.random.RandomState
) -> None:
    """Insert motions between others, never two side by side, nor first or last.

    Args:
        stretches: The others; changed.
        inserted: What is inserted.
        rng: Of the places.
    """
    places = rng.choice(np.arange(1, len(stretches)), size=len(inserted), replace=False)
    for place, stretch in zip(np.sort(places)[::-1], inserted, strict=True):
        stretches.insert(place, stretch)


def run_embedded(
    work_dir: str | os.PathLike,
    demo_dir: str | os.PathLike,
    configs: str | os.PathLike = 'configs',
    seeds: Sequence[int] = (0, 1, 2),
    settings: Any = None,
    options: Mapping[str, Any] | Sequence[str] | None = None,
    workers: int = 2,
    *,
    config: str,
    tested: str,
    build: Callable[[Any, int], Path],
    sampling: Mapping[str, Any],
    config_for: Callable[[Path, Path, Any], Config],
    drawn: Callable[[], Sequence[Any]],
    check: Callable[[Config], Sequence[str]] = lambda cfg: (),
    **told_by: Any,
) -> Path:
    """Make the videos, extract features with both encoders, train and test a detector on each.

    Encoders are those of the demonstration, trained first where they are not there yet. Finished
    parts are not repeated. The arguments from ``config`` on are those in which the tasks differ.

    Args:
        work_dir: Folder for features, runs, ``results.json`` and the picture.
        demo_dir: Folder of the demonstration's runs.
        configs: Folder of the configs.
        seeds: Of the detectors.
        settings: Of the data.
        options: Settings that override the detector's config.
        workers: Processes that render videos.
        config: The detector's, in that folder.
        tested: The detector and what it is tested on, for tables and picture.
        build: Makes the videos by settings and processes, and returns their folder.
        sampling: See :func:`~.features.command.sampling_of`.
        config_for: Makes the config for a store, of the config's path, store and options.
        drawn: Gives the videos to draw.
        check: Looks at the data before a training, and gives lines for the terminal.
        **told_by: See :func:`~.runs.train_and_tell`.
    """
    started, detectors = time.monotonic(), {}
    encoders = demo_encoders(demo_dir, configs, workers=workers)
    encoded = time.monotonic()
    videos = str(build(settings, workers) / 'videos')
    for name, encoder in encoders.items():
        store = Path(work_dir) / 'features' / folder_name(name)
        given = dict(sampling=sampling, batch_size=32, device='cpu')
        run_features(*map(str, encoder), [videos], str(store), **given)
        detectors[name] = config_for(Path(configs) / config, store, options)
    for name, cfg in detectors.items():
        for line in check(cfg):
            print(f'{name} encoder: {line}')
    title = f'{tested}, test videos'
    picture = train_and_tell(detectors, work_dir, seeds, tested, drawn(), title, **told_by)
    own, before = (time.monotonic() - encoded) / 60, (encoded - started) / 60
    print(f'{own:.1f} min, and {before:.1f} min for the encoders')
    return picture
