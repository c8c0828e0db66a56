"""The embedded data: untrimmed ``motion_sprites`` in which one motion is the anomaly."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from albar_mm.datasets.motion_sprites.clips import LOOKS_PER_CLASS, SCENES_PER_CLASS
from albar_mm.datasets.motion_sprites.looks import rng_for
from albar_mm.datasets.motion_sprites.motions import CLASSES
from albar_mm.datasets.motion_sprites.untrimmed import Stretch, UntrimmedSpec, write_untrimmed

from .annotations import NORMAL

GENERATOR = 'anomaly_sprites/1'
"""Version of the videos. A change of any pixel or truth needs a new one."""
SETTINGS_FILE = 'anomaly_sprites.json'
SPLITS = ('train', 'test')


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
        if self.anomaly not in CLASSES:
            raise ValueError(f'anomaly is {self.anomaly!r}; expected one of {", ".join(CLASSES)}')
        if not 0 <= self.scene_rate <= 1:
            raise ValueError(f'scene_rate must be within [0, 1], got {self.scene_rate}')
        if min(self.train, self.test) < 2 or self.frames < 192:
            raise ValueError('expected at least 2 videos of each split and 192 frames a video')


def draw_video(settings: AnomalySpritesSettings, split: str, index: int) -> UntrimmedSpec:
    """Describe one video; odd ones are anomalous.

    Normal motions of 12 to 28 frames follow each other; in an anomalous video one or two stretches
    of 16 to 40 frames, neither first nor last, are the anomalous motion.

    Args:
        settings: Of the data.
        split: ``'train'`` or ``'test'``.
        index: Number of the video.
    """
    name = f'{split}_{index:04d}'
    rng = rng_for(settings.seed, GENERATOR, name)
    wrong = CLASSES.index(settings.anomaly)
    anomalous = bool(index % 2)
    inserted = rng.randint(1, 3) if anomalous else 0
    events = [int(n) for n in rng.randint(16, 41, size=inserted)]
    normal = _normal_stretches(settings.frames - sum(events), wrong, rng)
    places = np.sort(rng.choice(np.arange(1, len(normal)), size=inserted, replace=False))
    for place, length in zip(places[::-1], events, strict=True):
        normal.insert(place, Stretch(wrong, length))
    usual = rng.uniform() < settings.scene_rate if split == 'train' else rng.uniform() < 0.5
    hinted = wrong if usual == anomalous else _other(wrong, rng)
    scene = hinted * SCENES_PER_CLASS + rng.randint(SCENES_PER_CLASS)
    look = rng.randint(len(CLASSES) * LOOKS_PER_CLASS)
    return UntrimmedSpec(settings.seed, name, int(scene), int(look), tuple(normal))


def build_anomaly_sprites(
    root: str | os.PathLike, settings: AnomalySpritesSettings | None = None, workers: int = 2
) -> Path:
    """Write the videos and their annotation, or reuse those that are there.

    ``videos/<split>/<name>.avi``, ``train.txt`` (video and kind) and ``test.txt`` (video, number of
    frames, kind, first and last frame of each event), as :func:`~.annotations.read_annotation`
    reads them.

    Args:
        root: Folder to write to; made when absent.
        settings: Of the data.
        workers: Processes.

    Returns:
        ``root``.

    Raises:
        DatasetError: The folder holds data of other settings, or cannot be written to.
    """
    settings = settings or AnomalySpritesSettings()
    splits = {
        split: [draw_video(settings, split, index) for index in range(getattr(settings, split))]
        for split in SPLITS
    }
    lists = {}
    for split, line in (('train', _train_line), ('test', _test_line)):
        lists[f'{split}.txt'] = ''.join(f'{line(settings, spec)}\n' for spec in splits[split])
    return write_untrimmed(
        root, SETTINGS_FILE, dict(generator=GENERATOR, **asdict(settings)), splits, lists, workers
    )


def _normal_stretches(frames: int, wrong: int, rng: np.random.RandomState) -> list[Stretch]:
    stretches: list[Stretch] = []
    while frames:
        length = int(rng.randint(12, 29))
        if frames - length < 12:
            length = frames
        stretches.append(Stretch(_other(wrong, rng), length))
        frames -= length
    return stretches


def _other(label: int, rng: np.random.RandomState) -> int:
    return int((label + 1 + rng.randint(len(CLASSES) - 1)) % len(CLASSES))


def _kind(settings: AnomalySpritesSettings, spec: UntrimmedSpec) -> tuple[str, list]:
    events = spec.intervals(CLASSES.index(settings.anomaly))
    return (settings.anomaly if events else NORMAL), events


def _train_line(settings: AnomalySpritesSettings, spec: UntrimmedSpec) -> str:
    return f'videos/train/{spec.name}.avi {_kind(settings, spec)[0]}'


def _test_line(settings: AnomalySpritesSettings, spec: UntrimmedSpec) -> str:
    kind, events = _kind(settings, spec)
    numbers = [str(n) for event in events for n in event] or ['-1', '-1']
    return f'videos/test/{spec.name}.avi {spec.num_frames} {kind} {" ".join(numbers)}'
