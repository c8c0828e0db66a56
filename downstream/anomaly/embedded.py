"""The embedded data: untrimmed ``motion_sprites`` in which one motion is the anomaly."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from albar_mm.datasets.motion_sprites.clips import LOOKS_PER_CLASS, SCENES_PER_CLASS
from albar_mm.datasets.motion_sprites.looks import rng_for
from albar_mm.datasets.motion_sprites.motions import CLASSES
from albar_mm.datasets.motion_sprites.untrimmed import Stretch, UntrimmedSpec
from albar_mm.utils.numbers import number, one_of

from ..detection.embedded import build_sprites, draw_stretches, scatter
from .annotations import NORMAL

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
    """Describe one video; odd ones are anomalous.

    Normal motions of 12 to 28 frames follow each other; in an anomalous video one or two stretches
    of 16 to 40 frames, neither first nor last, are the anomalous motion.

    Args:
        settings: Of the data.
        split: ``'train'`` or ``'test'``.
        index: Number of the video.
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
    reads them.

    Args:
        root: Folder to write to; made when absent.
        settings: Of the data.
        workers: Processes.

    Raises:
        DatasetError: The folder holds data of other settings, or cannot be written to.
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

    return build_sprites(root, settings, SETTINGS_FILE, GENERATOR, draw_video, lists, workers)
