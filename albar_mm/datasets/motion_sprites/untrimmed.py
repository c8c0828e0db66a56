"""Untrimmed ``motion_sprites``: long videos of one actor whose motion changes, as files."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...utils.files import read_json, try_folder, write_json, write_text
from ...utils.parallel import map_videos
from ...utils.settings import require_same
from .builder import write_mjpeg
from .clips import SIDE
from .looks import (
    SCALE_RANGE,
    Trajectory,
    composite,
    draw_actor,
    draw_trajectory,
    rng_for,
    scene_background,
)

SPLITS = ('train', 'test')
_SHORTEST = 12


@dataclass(frozen=True)
class Stretch:
    """A part of a video with one motion.

    Attributes:
        label: Motion class.
        frames: Its length.
    """

    label: int
    frames: int


@dataclass(frozen=True)
class UntrimmedSpec:
    """Everything that fixes the pixels of an untrimmed video.

    Attributes:
        seed: Seed of the data set.
        name: Name of the video, without extension.
        scene: Scene id of the background, a still as a fixed camera gives.
        look: Look id of the actor.
        stretches: Motions one after another; the actor goes on from where it is.
    """

    seed: int
    name: str
    scene: int
    look: int
    stretches: tuple[Stretch, ...]

    @property
    def num_frames(self) -> int:
        """Length of the video."""
        return sum(each.frames for each in self.stretches)

    def intervals(self, label: int) -> list[tuple[int, int]]:
        """First and last frame of each stretch of a class; neighbouring stretches count as one."""
        lengths = [stretch.frames for stretch in self.stretches]
        inside = np.repeat([stretch.label == label for stretch in self.stretches], lengths)
        edges = np.flatnonzero(np.diff(np.r_[0, inside, 0])).tolist()
        return [(first, end - 1) for first, end in zip(edges[::2], edges[1::2], strict=True)]


def untrimmed_frames(spec: UntrimmedSpec) -> np.ndarray:
    """Frames of an untrimmed video, uint8 RGB (T, 64, 64, 3)."""
    rng = rng_for(spec.seed, spec.name, 'motion')
    trajectory = joined_trajectory(spec.stretches, rng)
    view = rng_for(spec.seed, spec.name, 'view')
    return composite(
        draw_actor(spec.look, trajectory, SIDE), scene_background(spec.scene, SIDE, view)
    )


def joined_trajectory(stretches: Sequence[Stretch], rng: np.random.RandomState) -> Trajectory:
    """Poses of an actor that moves in several ways, one after another, without a jump.

    Each stretch has a speed of its own; poses are in every single frame distributed as in the clips
    of ``motion_sprites``.
    """
    columns, rows = [rng.randint(SIDE, size=1)], [rng.randint(SIDE, size=1)]
    for stretch in stretches:
        # one frame more: the first repeats where the stretch before ended
        steps = draw_trajectory(stretch.label, stretch.frames + 1, SIDE, rng)
        for path, part in ((columns, steps.x), (rows, steps.y)):
            path.append((path[-1][-1] + part[1:] - part[0]) % SIDE)
    angle, scale = rng.uniform(0, 2 * np.pi), rng.uniform(*SCALE_RANGE)
    return Trajectory(
        x=np.concatenate(columns[1:]), y=np.concatenate(rows[1:]), angle=angle, scale=scale
    )


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


def write_untrimmed(
    root: str | os.PathLike,
    settings: Any,
    settings_file: str,
    generator: str,
    draw_video: Callable[[Any, str, int], UntrimmedSpec],
    lists: Callable[[Mapping[str, Sequence[UntrimmedSpec]]], Mapping[str, str]],
    workers: int = 2,
) -> Path:
    """Write videos and their annotation, or reuse those that are there.

    Videos are ``videos/<split>/<name>.avi``, of the splits ``train`` and ``test``.

    Args:
        root: Folder to write to; made when absent.
        settings: Dataclass of all that fixes the data, with the number of videos of each split.
        settings_file: Name of the file that keeps them; it is written last.
        generator: Version of the videos.
        draw_video: Describes one of settings, split and number.
        lists: Videos of the splits -> name and text of each annotation file.
        workers: Processes.

    Returns:
        ``root``.

    Raises:
        DatasetError: The folder holds data of other settings, or cannot be written to.
    """
    root, record = Path(root), dict(generator=generator, **asdict(settings))
    splits = {
        split: [draw_video(settings, split, index) for index in range(getattr(settings, split))]
        for split in SPLITS
    }
    if (root / settings_file).exists():
        found = read_json(root / settings_file)
        require_same(root, found, record, 'give another folder or delete this one')
        return root
    try_folder(root)
    for split, specs in splits.items():
        print(f'untrimmed motion_sprites: {split}')
        map_videos(partial(_write_video, root / 'videos' / split), specs, max(1, workers))
    for name, text in lists(splits).items():
        write_text(root / name, text)
    write_json(root / settings_file, record)
    return root


def _write_video(folder: Path, spec: UntrimmedSpec) -> None:
    path = folder / f'{spec.name}.avi'
    if not path.exists():  # whole if it is there, and its pixels follow from the settings
        write_mjpeg(path, untrimmed_frames(spec))
