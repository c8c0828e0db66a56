"""What a build keeps beside its manifests to composite from: masks, backgrounds and stills; and
those of a built benchmark at hand, for compositing on the fly."""

import hashlib
import math
import os
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..utils.errors import BadFileError, DatasetError
from ..utils.files import read_json, read_npz, write_bytes, write_npz
from .backgrounds import Backgrounds, ImageFolder, Stripes
from .render import Still

GENERATOR = 'albar_mm/1'
"""Rows of another generator give other pixels."""
SURVEY_FOLDER = '.progress/survey'
MASK_FOLDER, BACKGROUND_FOLDER, STILL_FOLDER = 'masks', 'backgrounds', 'stills'
_AGAIN = 'delete it and build again'
_KEPT_BYTES = 64 << 20
_KEPT_STILLS = 16
_KEPT_BACKGROUNDS = 16


# -------------------------------------------------------------------------------------- arrays


def load_arrays(path: Path, names: Collection[str]) -> list[np.ndarray]:
    """Read some arrays; a file with a flipped bit does not pass.

    Raises:
        DatasetError: The file is gone, broken, or lacks one of them.
    """
    try:
        arrays = read_npz(path, names)
    except DatasetError as error:
        advice = _AGAIN if path.exists() else 'build again'
        raise BadFileError(f'{error}; {advice}') from error
    lacking = [name for name in names if name not in arrays]
    if lacking:
        raise BadFileError(f'{path}: holds no {", ".join(lacking)}; {_AGAIN}')
    return [arrays[name] for name in names]


# --------------------------------------------------------------------------------------- masks


@dataclass(frozen=True, eq=False)
class PackedMasks:
    """Masks that are unpacked frame by frame.

    Attributes:
        bits: uint8, one bit a pixel, as ``numpy.packbits`` gives them.
        shape: (T, H, W).
    """

    bits: np.ndarray
    shape: tuple[int, int, int]

    def frames(self, indices: Iterable[int]) -> np.ndarray:
        """Unpack the masks of n kept frames, each in [0, T): bool, shape (n, H, W)."""
        pixels = self.shape[1] * self.shape[2]
        chosen = [self._bits(int(index) * pixels, pixels) for index in indices]
        return np.stack(chosen).reshape(-1, *self.shape[1:]).view(bool)

    def all(self) -> np.ndarray:
        """Unpack all, bool of shape (T, H, W)."""
        return np.unpackbits(self.bits, count=math.prod(self.shape)).reshape(self.shape).view(bool)

    def _bits(self, start: int, count: int) -> np.ndarray:
        first, offset = divmod(start, 8)  # a frame of odd size starts within a byte
        last = -(-(start + count) // 8)
        return np.unpackbits(self.bits[first:last], count=offset + count)[offset:]


def kept_masks_path(root: Path, video_id: str) -> Path:
    """Where the masks of the kept frames of a source video lie."""
    return root / MASK_FOLDER / f'{video_id}.npz'


def mask_sha256(masks: np.ndarray) -> str:
    """SHA-256 of masks, bool (T, H, W): of their shape and their bits."""
    return _sha256(np.packbits(masks), masks.shape)


def save_kept_masks(path: Path, masks: np.ndarray) -> None:
    """Write masks, bool (T, H, W), bit-packed."""
    write_npz(path, dict(bits=np.packbits(masks), shape=np.asarray(masks.shape)))


def load_kept_masks(path: Path, sha256: str | None = None) -> np.ndarray:
    """Read masks, bool (T, H, W); see :func:`load_packed_masks`."""
    return load_packed_masks(path, sha256).all()


def load_packed_masks(path: Path, sha256: str | None = None) -> PackedMasks:
    """Read masks without unpacking them.

    Raises:
        DatasetError: The file is gone or broken, or :func:`mask_sha256` would not give ``sha256``.
    """
    bits, stored_shape = load_arrays(path, ('bits', 'shape'))
    shape = tuple(int(n) for n in np.ravel(stored_shape))
    if len(shape) != 3 or bits.dtype != np.uint8 or bits.shape != (-(-math.prod(shape) // 8),):
        found = f'{bits.dtype} bits of shape {bits.shape} for {shape}'
        raise BadFileError(f'{path}: holds no masks ({found}); {_AGAIN}')
    if sha256 is not None and _sha256(bits, shape) != sha256:
        raise DatasetError(
            f'{path}: not the masks that the manifest was made with (their SHA-256 differs); '
            f'{_AGAIN}'
        )
    return PackedMasks(bits, shape)


def _sha256(bits: np.ndarray, shape: tuple[int, ...]) -> str:
    digest = hashlib.sha256(repr(tuple(map(int, shape))).encode())
    digest.update(bits)
    return digest.hexdigest()


# --------------------------------------------------------------------------------- backgrounds


def kept_background_path(root: Path, row: Mapping[str, Any]) -> Path:
    """Where the background of a row lies; rows that share an image and a size share the file."""
    image = row['background_sha256'] if 'background_sha256' in row else row['stripe_seed']
    name = f'{image}_{row["width"]}x{row["height"]}.npz'
    return root / BACKGROUND_FOLDER / row['background'] / name


def load_kept_background(path: Path, height: int, width: int) -> np.ndarray | None:
    """Read a background at the size of its videos, uint8 RGB (height, width, 3).

    None if there is no such file: sets that were exported, or handed on without it, are composited
    from the images themselves.

    Raises:
        DatasetError: The file is broken or holds something else.
    """
    if not path.is_file():
        return None
    (image,) = load_arrays(path, ('image',))
    if image.shape != (height, width, 3) or image.dtype != np.uint8:
        found = f'{image.dtype} {image.shape} for {width}x{height} px'
        raise BadFileError(f'{path}: holds no such background ({found}); {_AGAIN}')
    return image


# -------------------------------------------------------------------------------------- stills


def still_path(root: Path, video_id: str, frame: int) -> Path:
    """Where a still that a video lends to Confl-FG lies: RGB and, as alpha, its mask."""
    return root / STILL_FOLDER / video_id / f'{frame:06d}.png'


def load_still(path: Path) -> Still:
    """Read a still.

    Raises:
        DatasetError: It is gone or broken.
    """
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if image is None or image.ndim != 3 or image.shape[2] != 4:
        raise DatasetError(
            f'{path}: not a still (PNG with alpha); delete {path.parents[1]} and build again'
        )
    return Still(cv2.cvtColor(image, cv2.COLOR_BGRA2RGB), image[..., 3] > 0)


def still_of(
    root: Path, row: Mapping[str, Any], load: Callable[[Path], Still] = load_still
) -> Still | None:
    """The foreign foreground of a Confl-FG row, None for others.

    Raises:
        DatasetError: It is gone or broken.
    """
    if row['set'] != 'conflfg':
        return None
    return load(still_path(root, row['conflict_video_id'], row['conflict_frame']))


def write_still(root: Path, video_id: str, frame: int, still: Still) -> None:
    """Write a still, which is a frame of the video that lends it."""
    image = np.dstack([still.frame[..., ::-1], still.mask.astype(np.uint8) * 255])
    done, data = cv2.imencode('.png', image, (cv2.IMWRITE_PNG_COMPRESSION, 1))
    if not done:
        raise DatasetError('OpenCV cannot write PNG pictures; install a full build')
    write_bytes(still_path(root, video_id, frame), data.tobytes())


# ----------------------------------------------------------------------------------- at hand


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
        self._still = lru_cache(_KEPT_STILLS)(load_still)
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
        """As :func:`still_of`."""
        return still_of(self.root, row, self._still)

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
