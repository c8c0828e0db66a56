"""What items are composited from on the fly: masks, backgrounds and stills of a built benchmark."""

import os
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.errors import DatasetError
from ..utils.files import read_json
from .backgrounds import Backgrounds, ImageFolder, Stripes
from .kept import (
    SURVEY_FOLDER,
    PackedMasks,
    kept_background_path,
    kept_masks_path,
    load_kept_background,
    load_packed_masks,
    read_still,
)
from .render import Still

_KEPT_BYTES = 64 << 20
_KEPT_STILLS = 16
_KEPT_BACKGROUNDS = 16


class Materials:
    """Reads what rows name and keeps what was used last.

    Args:
        root: Folder of the benchmark.
        folders: Background family (lower case) -> folder of its images; stripes need none.
    """

    def __init__(self, root: Path, folders: Mapping[str, str]) -> None:
        self.root = root
        images = [_NamedImages(name, folder) for name, folder in folders.items()]
        self._backgrounds = Backgrounds([Stripes(), *images])
        self._masks: OrderedDict[Hashable, PackedMasks] = OrderedDict()
        self._background = lru_cache(_KEPT_BACKGROUNDS)(load_kept_background)
        self._still = lru_cache(_KEPT_STILLS)(read_still)
        self._total = lru_cache(_KEPT_STILLS)(self._surveyed_total)

    def masks(self, row: Mapping[str, Any]) -> PackedMasks:
        """Masks of the kept frames of a row's source video, still packed.

        Raises:
            DatasetError: They are gone, broken, or not those of the manifest.
        """
        key = row['video_id'], row['mask_sha256']
        found = self._masks.pop(key, None)
        if found is None:
            path = kept_masks_path(self.root, row['video_id'])
            found = load_packed_masks(path, row['mask_sha256'])
            if found.shape != (row['frames'], row['height'], row['width']):
                raise DatasetError(
                    f'{path}: masks of shape {found.shape} do not fit the row of '
                    f'{row["id"]}; build the set again'
                )
        self._masks[key] = found
        held = sum(masks.bits.nbytes for masks in self._masks.values())
        while len(self._masks) > 1 and held > _KEPT_BYTES:
            held -= self._masks.popitem(last=False)[1].bits.nbytes
        return found

    def background(self, row: Mapping[str, Any]) -> np.ndarray:
        """The background of a row at the size of its video, uint8 (H, W, 3), read-only.

        Raises:
            DatasetError: The image is gone or another one.
        """
        size = row['height'], row['width']
        kept = self._background(kept_background_path(self.root, row), *size)
        return self._backgrounds.of_row(row, *size) if kept is None else kept

    def still(self, row: Mapping[str, Any]) -> Still | None:
        """The foreign foreground of a Confl-FG row, None for others.

        Raises:
            DatasetError: It is gone or broken.
        """
        if row['set'] != 'conflfg':
            return None
        return self._still(self.root, row['conflict_video_id'], row['conflict_frame'])

    def check_length(self, row: Mapping[str, Any], path: Path, total: int) -> None:
        """Refuse a source video that has not the length it had when the benchmark was built.

        Raises:
            DatasetError: It is too short or, where the survey of the build is still there, has
                another length.
        """
        expected = self._total(row['video_id'])
        if total <= row['last'] or expected not in (None, total):
            told = f'more than {row["last"]}' if expected is None else expected
            raise changed(path, f'{total} frames, {told} expected')

    def _surveyed_total(self, video_id: str) -> int | None:
        path = self.root / SURVEY_FOLDER / f'{video_id}.json'
        try:
            return int(read_json(path)['total_frames'])
        except (DatasetError, KeyError, TypeError):
            return None  # a benchmark may be handed on without its notes


def changed(path: Path, what: str) -> DatasetError:
    """The error for a source video that is not the one that a benchmark was built from."""
    return DatasetError(
        f'{path}: not the video that the benchmark was built from ({what}); '
        'restore it, or build again'
    )


def materials_of(root: str | os.PathLike, folders: Mapping[str, str | os.PathLike]) -> Materials:
    """The materials of a benchmark in this process, shared by all transforms that name them.

    ``folders`` maps background families, in any case, to the folders of their images.
    """
    named = tuple(sorted((name.lower(), str(folder)) for name, folder in folders.items()))
    return _materials_of(str(root), named)


def forget_materials() -> None:
    """Drop all that this process keeps of benchmarks, e.g. after one was built again."""
    _materials_of.cache_clear()


@lru_cache(maxsize=8)
def _materials_of(root: str, folders: tuple[tuple[str, str], ...]) -> Materials:
    return Materials(Path(root), dict(folders))


class _NamedImages(ImageFolder):
    """Reads the images that rows name, without listing a folder that may hold 300,000."""

    def __init__(self, name: str, folder: str) -> None:
        self.name, self.folder, self.min_side = name, Path(folder), 0
        self.files, self._checked = [], {}
