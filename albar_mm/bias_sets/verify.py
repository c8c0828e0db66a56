"""Checking a built benchmark against its manifests."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..annotations.manifest import HASHES_NAME, MANIFEST_NAME, read_hashes, read_rows
from ..compositing.backgrounds import Backgrounds, item_rng
from ..compositing.kept import (
    kept_background_path,
    kept_masks_path,
    load_kept_background,
    load_kept_masks,
)
from ..compositing.render import Still, fit_still, shift_away
from ..utils.errors import DatasetError
from ..utils.files import read_bytes
from ..utils.identity import file_sha256
from ..utils.parallel import map_videos
from ..video.source_video import read_frames
from .export import encode_item
from .settings import BENCHMARK_NAME, read_description


@dataclass(frozen=True)
class Renderer:
    """Renders the items of one source video again and compares the files.

    Masks come from the benchmark, whose SHA-256 is in the manifest; source videos, those that lend
    a still included, and background images are read afresh. ``settings`` are those that the files
    were made with.
    """

    root: Path
    videos: Path
    backgrounds: Backgrounds
    settings: dict[str, Any]

    def __call__(self, items: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
        """Check items (folder and row) of one source video; what is wrong with them."""
        row = items[0][1]
        try:
            masks = load_kept_masks(kept_masks_path(self.root, row['video_id']), row['mask_sha256'])
            frames = read_frames(self.videos / row['video'], row.get('kept_fps'))
        except DatasetError as error:
            return [f'{folder}/{row["id"]}: {error}' for folder, row in items]
        findings = []
        for folder, row in items:
            try:
                text = self._difference(folder, row, frames, masks)
            except (DatasetError, KeyError, ValueError) as error:
                text = f'{type(error).__name__}: {error}'
            findings += [f'{folder}/{row["id"]}: {text}'] if text else []
        return findings

    def _difference(
        self, folder: str, row: dict[str, Any], frames: np.ndarray, masks: np.ndarray
    ) -> str:
        still = self._still(row)
        if still is not None:
            shift = shift_away(fit_still(still, *masks.shape[1:]).mask, masks)
            if shift != row['conflict_shift']:
                return f'conflict_shift is {row["conflict_shift"]}, expected {shift}'
        size = masks.shape[1:]
        kept = load_kept_background(kept_background_path(self.root, row), *size)
        if kept is not None and not np.array_equal(kept, self.backgrounds.of_row(row, *size)):
            return 'its kept background is not the one that its manifest row names'
        encoding, opencv = self.settings['encoding'], self.settings['opencv']
        if encoding == 'none':
            return ''
        wanted = encode_item(row, frames, masks, self.backgrounds, still, encoding)
        if read_bytes(self.root / folder / row['file'], math.inf) == wanted:
            return ''
        text = 'its pixels are not those that its manifest row describes'
        if opencv == cv2.__version__:
            return text
        return f'{text}; it was made with OpenCV {opencv}, this is {cv2.__version__}'

    def _still(self, row: dict[str, Any]) -> Still | None:
        if row['set'] != 'conflfg':
            return None
        masks_file = kept_masks_path(self.root, row['conflict_video_id'])
        masks = load_kept_masks(masks_file, row['conflict_mask_sha256'])
        frames = read_frames(self.videos / row['conflict_video'], row.get('kept_fps'))
        number = row['conflict_frame']
        return Still(frames[number], masks[number - row['conflict_first']])


def verify_benchmark(
    root: Path,
    videos: Path,
    backgrounds: Backgrounds,
    sample: int | None = 50,
    seed: int = 0,
    workers: int = 1,
) -> tuple[list[str], int, int]:
    """Check counts, ids, checksums of all files, and re-render some items.

    Args:
        root: Folder of the benchmark.
        videos: Folder of the source videos.
        backgrounds: The families that it was made with.
        sample: Number of items to render again, of all sets together; None: all.
        seed: Seed of which.
        workers: Processes.

    Returns:
        What is wrong, ``folder/item: text`` or ``folder: text`` each; of how many files the SHA-256
        was taken, and how many items were rendered again.

    Raises:
        DatasetError: ``root`` holds no finished benchmark, or a manifest cannot be read.
    """
    described = read_description(root)
    settings, counts = described['settings'], described['items']
    if sample is not None and sample < 0:
        raise DatasetError(f'--sample {sample}: expected 0 or more')
    rows = {folder: read_rows(root / folder) for folder in counts}
    exported = settings['encoding'] != 'none'
    findings: list[str] = []
    for folder, count in counts.items():
        if len(rows[folder]) != count:
            findings.append(f'{folder}: {len(rows[folder])} items, {BENCHMARK_NAME} says {count}')
        if exported:
            findings += _check_files(root / folder, rows[folder])
    findings += _check_ids(rows, described)
    chosen = _sample(rows, sample, seed)
    renderer = Renderer(root, videos, backgrounds, settings)
    for found in map_videos(renderer, chosen, workers):
        findings += found
    files = sum(map(len, rows.values())) if exported else 0
    return findings, files, sum(map(len, chosen))


def _check_files(folder: Path, rows: Sequence[dict[str, Any]]) -> list[str]:
    hashes, named = read_hashes(folder), {row['file'] for row in rows}
    present = {path.name for path in folder.iterdir()} - {MANIFEST_NAME, HASHES_NAME}
    wrong = dict.fromkeys(present - named, 'not in the manifest')
    for name in named | hashes.keys():
        if name not in hashes or name not in named:
            wrong[name] = f'not in {HASHES_NAME if name not in hashes else MANIFEST_NAME}'
        elif not (folder / name).is_file():
            wrong[name] = 'the file does not exist'
        elif file_sha256(folder / name) != hashes[name]:
            wrong[name] = f'its SHA-256 differs from {HASHES_NAME}'
    return [f'{folder.name}/{name}: {text}' for name, text in sorted(wrong.items())]


def _check_ids(rows: dict[str, list[dict]], described: dict[str, Any]) -> list[str]:
    """Every set holds each source video as often as every other set, with one label."""
    videos, per_video = described['source_videos'], described['settings']['per_video']
    labels = {row['id']: row['label'] for of_folder in rows.values() for row in of_folder}
    findings = []
    for folder, of_folder in rows.items():
        found = {row['id']: row['label'] for row in of_folder}
        for item, label in sorted(labels.items()):
            if item not in found:
                findings.append(f'{folder}/{item}: missing here, other sets have it')
            elif found[item] != label:
                findings.append(f'{folder}/{item}: label {found[item]}, another set says {label}')
        if len(found) != videos * per_video:
            expected = f'{videos * per_video} ({videos} x {per_video})'
            findings.append(f'{folder}: {len(found)} ids, expected {expected}')
    return findings


def _sample(
    rows: dict[str, list[dict]], sample: int | None, seed: int
) -> list[list[tuple[str, dict[str, Any]]]]:
    """Some items, grouped by source video."""
    every = [(folder, row) for folder in sorted(rows) for row in rows[folder]]
    if sample is not None and sample < len(every):
        picked = item_rng(seed, '', 0, '', 'verify').choice(len(every), sample, replace=False)
        every = [every[i] for i in sorted(picked)]
    groups: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for folder, row in every:
        groups.setdefault(row['video_id'], []).append((folder, row))
    return list(groups.values())
