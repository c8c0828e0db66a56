"""Writing ``motion_sprites`` to disk: video files, lists, masks, boxes, scene ids, OOD sets."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from ...utils.arrays import write_npz
from ...utils.files import read_json, whole_file, write_json_lines, write_text
from ...utils.numbers import number
from ...utils.parallel import map_videos
from ...utils.settings import require_same
from ...video.container import announced_bytes
from .clips import (
    CONFLICT_BACKGROUND,
    FAMILIES,
    FRAMES,
    SIDE,
    ClipSpec,
    conflict_frames,
    conflict_partner,
    draw_clip,
    iid_frames,
    scuba_frames,
    scufo_index,
)
from .looks import CLASSES, boxes

FPS = 8
QUALITY = 95
"""JPEG quality of the frames."""


def write_mjpeg(path: Path, frames: np.ndarray) -> None:
    """Write frames as Motion-JPEG in AVI, whole or not at all.

    Each frame is a JPEG of its own. A codec with inter-frame prediction would leave traces of the
    motion in every single frame, and the static clip would tell the class.

    Args:
        path: Target, ending in ``.avi``; its folder is made if absent.
        frames: uint8 RGB (T, H, W, 3).

    Raises:
        WriteError: OpenCV cannot write the file, or not all of it.
    """
    code = cv2.VideoWriter_fourcc(*'MJPG')
    with whole_file(path) as part:
        writer = cv2.VideoWriter(str(part), cv2.CAP_OPENCV_MJPEG, code, FPS, frames.shape[2:0:-1])
        if not writer.isOpened():
            raise OSError('OpenCV cannot open it for writing')
        writer.set(cv2.VIDEOWRITER_PROP_QUALITY, QUALITY)
        for frame in frames:
            writer.write(np.ascontiguousarray(frame[..., ::-1]))
        writer.release()
        # OpenCV says nothing when the disk is full
        announced = announced_bytes(part)
        if announced is None or part.stat().st_size < announced:
            raise OSError(errno.ENOSPC, 'not all of it was written')


GENERATOR = 'motion_sprites/1'
"""Version of the pixels. A change of any pixel needs a new one, and a re-run of published rows."""
SETTINGS_FILE = 'sprites.json'
UNBIASED_RATE = 1 / len(CLASSES)


@dataclass(frozen=True)
class SpritesSettings:
    """Everything that fixes the content of a built benchmark.

    Attributes:
        seed: Seed of the benchmark.
        scene_rate: Share of train, val and IID test clips whose scene hints at the class.
        look_rate: Likewise for the actor's look.
        train: Training clips, biased and (in another list) unbiased.
        val: Clips held out of either training set.
        test: IID test clips, and clips in each OOD set.
    """

    seed: int = 0
    scene_rate: float = 0.95
    look_rate: float = 0.90
    train: int = 2400
    val: int = 320
    test: int = 320

    def __post_init__(self) -> None:
        for name in ('scene_rate', 'look_rate'):
            number(getattr(self, name), name, 0, 1, error=ValueError)
        for name in ('train', 'val', 'test'):
            if getattr(self, name) < len(CLASSES) or getattr(self, name) % len(CLASSES):
                raise ValueError(
                    f'{name} must be a positive multiple of {len(CLASSES)} '
                    f'(the number of classes), got {getattr(self, name)}'
                )


def split_clips(settings: SpritesSettings) -> dict[str, list[ClipSpec]]:
    """Describe all clips of all splits: name of the split to its clips.

    'val' is the tail of the clips drawn for 'train': held out of train, never of test.
    """

    def draw(source: str, start: int, count: int, *rates: float) -> list[ClipSpec]:
        indices = range(start, start + count)
        return [draw_clip(settings.seed, source, index, *rates) for index in indices]

    biased, unbiased = (settings.scene_rate, settings.look_rate), (UNBIASED_RATE, UNBIASED_RATE)
    return {
        'train': draw('train', 0, settings.train, *biased),
        'val': draw('train', settings.train, settings.val, *biased),
        'test': draw('test', 0, settings.test, *biased),
        'train_unbiased': draw('unbiased', 0, settings.train, *unbiased),
        'val_unbiased': draw('unbiased', settings.train, settings.val, *unbiased),
    }


def build_motion_sprites(
    root: str | os.PathLike,
    settings: SpritesSettings | None = None,
    unbiased: bool = True,
    workers: int = 2,
) -> Path:
    """Write the benchmark, or finish or reuse one that is already there.

    Layout under ``root``::

        sprites.json                    settings, generator version, finished parts
        <split>.txt                     MMAction2 list: 'videos/<split>/<name>.avi label'
        <split>.jsonl                   label, scene and look ids, boxes (T, 4) of every clip
        videos/<split>/<name>.avi       Motion-JPEG, 64 x 64 px, 8 frames, 8 fps
        masks/<split>/<name>.npz        'mask', bool (8, 64, 64)
        SPRITES_SCUBA_<Background>/     manifest.jsonl and <name>__0.avi; likewise SCUFO, ConflFG

    Args:
        root: Folder to write to; made when absent.
        settings: Defaults to the published ones.
        unbiased: Also write 'train_unbiased' and 'val_unbiased', which train the ceiling.
            Can be added to a benchmark later. Defaults to True.
        workers: Processes. Defaults to 2.

    Returns:
        Path: ``root``.

    Raises:
        DatasetError: ``root`` holds a benchmark of other settings, or a file cannot be written;
            finished parts are kept.
    """
    root, settings = Path(root), settings or SpritesSettings()
    record = {'generator': GENERATOR, **asdict(settings)}
    finished: list[str] = []
    if (root / SETTINGS_FILE).exists():
        found = read_json(root / SETTINGS_FILE)
        require_same(root, found, record, 'give another folder or delete this one')
        finished = found['finished']

    splits = split_clips(settings)
    parts = {
        split: partial(_write_split, root, split, clips)
        for split, clips in splits.items()
        if unbiased or not split.endswith('_unbiased')
    }
    conflict = partial(_conflict_item, splits['test'])
    for name, make, backgrounds in (
        ('SCUBA', _scuba_item, FAMILIES),
        ('SCUFO', _scufo_item, FAMILIES),
        ('ConflFG', conflict, (CONFLICT_BACKGROUND,)),
    ):
        for background in backgrounds:
            folder = root / f'SPRITES_{name}_{background}'
            parts[folder.name] = partial(_write_set, folder, background, make, splits['test'])
    for part, write in parts.items():
        if part not in finished:
            print(f'motion_sprites: {part}')
            write(max(1, workers))
            finished.append(part)
            write_text(root / SETTINGS_FILE, json.dumps({**record, 'finished': finished}, indent=1))
    return root


def _write_split(root: Path, split: str, clips: list[ClipSpec], workers: int) -> None:
    rows = map_videos(partial(_write_clip, root, split), clips, workers)
    write_json_lines(root / f'{split}.jsonl', rows)
    lines = ''.join(f'{row["video"]} {row["label"]}\n' for row in rows)
    write_text(root / f'{split}.txt', lines)


def _write_clip(root: Path, split: str, spec: ClipSpec) -> dict:
    frames, mask = iid_frames(spec)
    video = f'videos/{split}/{spec.name}.avi'
    write_mjpeg(root / video, frames)
    write_npz(root / 'masks' / split / f'{spec.name}.npz', {'mask': mask})
    named = {'class': CLASSES[spec.label], 'boxes': boxes(mask).tolist()}
    return {'video': video, **asdict(spec), **named}


def _scuba_item(background: str, spec: ClipSpec) -> tuple[np.ndarray, dict]:
    return scuba_frames(spec, background), {}


def _scufo_item(background: str, spec: ClipSpec) -> tuple[np.ndarray, dict]:
    index = scufo_index(spec, background, FRAMES)
    still = scuba_frames(spec, background)[index]
    return np.broadcast_to(still, (FRAMES, *still.shape)), {'scufo_frame': index}


def _conflict_item(
    candidates: list[ClipSpec], background: str, spec: ClipSpec
) -> tuple[np.ndarray, dict]:
    partner = conflict_partner(spec, candidates)
    return conflict_frames(spec, partner), {
        'conflict_label': partner.label,
        'conflict_video': f'{partner.name}.avi',
    }


def _write_set(
    folder: Path, background: str, make: Callable, clips: list[ClipSpec], workers: int
) -> None:
    rows = map_videos(partial(_write_item, folder, background, make), clips, workers)
    write_json_lines(folder / 'manifest.jsonl', rows)


def _write_item(folder: Path, background: str, make: Callable, spec: ClipSpec) -> dict:
    frames, extra = make(background, spec)
    item = f'{spec.name}__0'
    write_mjpeg(folder / f'{item}.avi', frames)
    return {
        'id': item,
        'file': f'{item}.avi',
        'video': f'{spec.name}.avi',
        'label': spec.label,
        'background': FAMILIES[background],
        'seed': spec.seed,
        'scene': spec.scene,
        'look': spec.look,
        'side': SIDE,
        'generator': GENERATOR,
        **extra,
    }
