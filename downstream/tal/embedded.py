"""The embedded data: untrimmed ``motion_sprites`` in which four of the motions are actions."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from albar_mm.datasets.motion_sprites.builder import FPS
from albar_mm.datasets.motion_sprites.clips import LOOKS_PER_CLASS, SCENES_PER_CLASS
from albar_mm.datasets.motion_sprites.looks import CLASSES, rng_for
from albar_mm.datasets.motion_sprites.untrimmed import (
    Stretch,
    UntrimmedSpec,
    draw_stretches,
    scatter,
    write_untrimmed,
)
from albar_mm.utils.numbers import number

from ..features.joining import Joined, segments_of

GENERATOR = 'tal_sprites/1'
"""Version of the videos. A change of any pixel or truth needs a new one."""
SETTINGS_FILE, ANNOTATION_FILE = 'tal_sprites.json', 'segments.json'
ACTIONS = 4
"""The first motion classes are actions, the others are background."""


@dataclass(frozen=True)
class TalSpritesSettings:
    """Everything that fixes the data.

    Attributes:
        seed: Of all random choices.
        scene_rate: Share of *training* videos that play in a scene that hints at their main action,
            as in ``motion_sprites``. In testing scene and actions are independent.
        main_rate: Share of the actions of a video that are its main one.
        train: Training videos.
        test: Test videos.
        frames: Length of a video.
    """

    seed: int = 0
    scene_rate: float = 0.95
    main_rate: float = 0.8
    train: int = 120
    test: int = 60
    frames: int = 256

    def __post_init__(self) -> None:
        for name in ('scene_rate', 'main_rate'):
            number(getattr(self, name), name, 0, 1, error=ValueError)
        if min(self.train, self.test) < 1 or self.frames < 256:
            raise ValueError('expected at least one video of each split and 256 frames a video')


def draw_video(settings: TalSpritesSettings, split: str, index: int) -> UntrimmedSpec:
    """Describe a video of ``'train'`` or ``'test'`` by its number.

    Two to four actions of 16 to 36 frames, with background motions of 12 to 31 frames between them
    and at both ends.
    """
    name, main = f'{split}_{index:04d}', index % ACTIONS
    rng = rng_for(settings.seed, GENERATOR, name)

    def action() -> int:
        return main if rng.uniform() < settings.main_rate else int(rng.randint(ACTIONS))

    actions = [Stretch(action(), int(rng.randint(16, 37))) for _ in range(rng.randint(2, 5))]
    frames = settings.frames - sum(each.frames for each in actions)
    stretches = draw_stretches(frames, 20, lambda: int(rng.randint(ACTIONS, len(CLASSES))), rng)
    scatter(stretches, actions, rng)
    hinted = split == 'train' and rng.uniform() < settings.scene_rate
    scene = (main if hinted else rng.randint(len(CLASSES))) * SCENES_PER_CLASS
    look = rng.randint(len(CLASSES) * LOOKS_PER_CLASS)
    scene += rng.randint(SCENES_PER_CLASS)
    return UntrimmedSpec(settings.seed, name, int(scene), int(look), tuple(stretches))


def build_tal_sprites(
    root: str | os.PathLike, settings: TalSpritesSettings | None = None, workers: int = 2
) -> Path:
    """Write the videos and their annotation, or reuse those that are there.

    ``videos/<split>/<name>.avi`` and ``segments.json``, as
    :func:`~.annotations.read_annotation` reads it. The rest is as of
    :func:`~albar_mm.datasets.motion_sprites.untrimmed.write_untrimmed`.
    """
    settings = settings or TalSpritesSettings()
    return write_untrimmed(root, settings, SETTINGS_FILE, GENERATOR, draw_video, _lists, workers)


def _lists(splits: Mapping[str, Sequence[UntrimmedSpec]]) -> dict[str, str]:
    def described(spec: UntrimmedSpec) -> Joined:
        actions = [(CLASSES[n], *ends) for n in range(ACTIONS) for ends in spec.intervals(n)]
        events = sorted(actions, key=lambda action: action[1])
        return Joined(spec.name, spec.num_frames, tuple(events))

    joined = {split: list(map(described, specs)) for split, specs in splits.items()}
    content = dict(version=GENERATOR, database=segments_of(joined, CLASSES, FPS))
    return {ANNOTATION_FILE: json.dumps(content) + '\n'}
