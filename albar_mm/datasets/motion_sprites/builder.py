"""Writing ``motion_sprites`` to disk: video files, lists, masks, boxes, scene ids, OOD sets."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from mmengine.utils import track_parallel_progress

from albar_mm.utils.files import write_text

from ...utils.errors import DatasetError
from .clips import FRAMES, SIDE, ClipSpec, draw_clip, iid_frames
from .motions import CLASSES
from .ood import (
    CONFLICT_BACKGROUND,
    FAMILIES,
    conflict_frames,
    conflict_partner,
    scuba_frames,
    scufo_index,
)
from .render import boxes
from .video_file import write_mjpeg

GENERATOR = 'motion_sprites/1'
"""Version of the pixels. A change of any pixel needs a new one, and a re-run of published rows."""
SETTINGS_FILE = 'sprites.json'
UNBIASED_RATE = 1 / len(CLASSES)


@dataclass(frozen=True)
class SpritesSettings:
    """Everything that fixes the content of a built benchmark.

    Attributes:
        seed (int): Seed of the benchmark.
        scene_rate (float): Share of train, val and IID test clips whose scene hints at the class.
        look_rate (float): Likewise for the actor's look.
        train (int): Training clips, biased and (in another list) unbiased.
        val (int): Clips held out of either training set.
        test (int): IID test clips, and clips in each OOD set.
    """

    seed: int = 0
    scene_rate: float = 0.95
    look_rate: float = 0.90
    train: int = 2400
    val: int = 320
    test: int = 320

    def __post_init__(self) -> None:
        for name in ('scene_rate', 'look_rate'):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name} must be within [0, 1], got {getattr(self, name)}')
        for name in ('train', 'val', 'test'):
            if getattr(self, name) < len(CLASSES) or getattr(self, name) % len(CLASSES):
                raise ValueError(
                    f'{name} must be a positive multiple of {len(CLASSES)} '
                    f'(the number of classes), got {getattr(self, name)}'
                )


def split_clips(settings: SpritesSettings) -> dict[str, list[ClipSpec]]:
    """Describe all clips of all splits.

    Args:
        settings (SpritesSettings): Seed, rates and sizes.

    Returns:
        dict: Split name ('train', 'val', 'test', 'train_unbiased', 'val_unbiased') to its clips.
        'val' is the tail of the clips drawn for 'train': held out of train, never of test.
    """

    def draw(source: str, start: int, count: int, scene_rate: float, look_rate: float) -> list:
        return [
            draw_clip(settings.seed, source, i, scene_rate, look_rate)
            for i in range(start, start + count)
        ]

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
        root (str | os.PathLike): Folder to write to; made when absent.
        settings (SpritesSettings, optional): Defaults to the published ones.
        unbiased (bool): Also write 'train_unbiased' and 'val_unbiased', which train the ceiling.
            Can be added to a benchmark later. Defaults to True.
        workers (int): Processes. Defaults to 2.

    Returns:
        Path: ``root``.

    Raises:
        ValueError: If ``root`` holds a benchmark of other settings.
        DatasetError: A file cannot be written.
    """
    root, settings = Path(root), settings or SpritesSettings()
    record = {'generator': GENERATOR, **asdict(settings)}
    finished = _finished_parts(root, record)
    root.mkdir(parents=True, exist_ok=True)

    splits = split_clips(settings)
    test = splits['test']
    parts = {
        split: partial(_write_split, root, split, clips, workers)
        for split, clips in splits.items()
        if unbiased or not split.endswith('_unbiased')
    }
    for name, make in (('SCUBA', _scuba_item), ('SCUFO', _scufo_item)):
        for background in FAMILIES:
            folder = root / f'SPRITES_{name}_{background}'
            parts[folder.name] = partial(_write_set, folder, background, test, make, workers)
    folder = root / f'SPRITES_ConflFG_{CONFLICT_BACKGROUND}'
    conflict = partial(_conflict_item, test)
    parts[folder.name] = partial(_write_set, folder, CONFLICT_BACKGROUND, test, conflict, workers)

    for part, write in parts.items():
        if part not in finished:
            try:
                write()
                text = json.dumps({**record, 'finished': [*finished, part]}, indent=1)
                write_text(root / SETTINGS_FILE, text)
            except OSError as error:
                raise DatasetError(
                    f'{root}: {part} cannot be written: {error.strerror or error}; finished parts '
                    'are kept: make room, or get the right to write there, and run again'
                ) from error
            finished.append(part)
    return root


def _finished_parts(root: Path, record: dict) -> list[str]:
    path = root / SETTINGS_FILE
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    differing = [k for k in record if found.get(k) != record[k]]
    if differing:
        detail = ', '.join(f'{k} is {found.get(k)!r}, wanted {record[k]!r}' for k in differing)
        raise ValueError(
            f'{root} holds motion_sprites of other settings ({detail}); '
            'give another folder or delete this one'
        )
    return found['finished']


def _write_split(root: Path, split: str, clips: list[ClipSpec], workers: int) -> None:
    for folder in ('videos', 'masks'):
        (root / folder / split).mkdir(parents=True, exist_ok=True)
    rows = _parallel(partial(_write_clip, root, split), clips, workers, split)
    write_text(root / f'{split}.jsonl', _json_lines(rows))
    write_text(
        root / f'{split}.txt', ''.join(f'videos/{split}/{c.name}.avi {c.label}\n' for c in clips)
    )


def _write_clip(root: Path, split: str, spec: ClipSpec) -> dict:
    frames, mask = iid_frames(spec)
    video = root / 'videos' / split / f'{spec.name}.avi'
    write_mjpeg(video, frames)
    target = root / 'masks' / split / f'{spec.name}.npz'
    temporary = target.with_name(f'.{spec.name}.{os.getpid()}.npz')
    try:
        np.savez_compressed(temporary, mask=mask)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return {
        'video': f'videos/{split}/{video.name}',
        **spec.as_dict(),
        'class': CLASSES[spec.label],
        'boxes': boxes(mask).tolist(),
    }


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
    folder: Path, background: str, clips: list[ClipSpec], make: Callable, workers: int
) -> None:
    folder.mkdir(exist_ok=True)
    rows = _parallel(partial(_write_item, folder, background, make), clips, workers, folder.name)
    write_text(folder / 'manifest.jsonl', _json_lines(rows))


def _write_item(folder: Path, background: str, make: Callable, spec: ClipSpec) -> dict:
    frames, extra = make(background, spec)
    item = f'{spec.name}__0'
    write_mjpeg(folder / f'{item}.avi', frames)
    row = {
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
    }
    return {**row, **extra}


def _parallel(function: Callable, tasks: list, workers: int, what: str) -> list:
    print(f'motion_sprites: {what} ({len(tasks)} clips)')
    rows = track_parallel_progress(function, tasks, max(1, workers), chunksize=16)
    print()
    return rows


def _json_lines(rows: Iterable[dict]) -> str:
    return ''.join(json.dumps(row) + '\n' for row in rows)
