"""What a build keeps beside its manifests to composite from: masks, backgrounds and stills."""

import hashlib
import io
import math
import zipfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..utils.arrays import read_npz
from ..utils.errors import BadFileError, DatasetError
from ..utils.files import write_bytes
from .render import Still

GENERATOR = 'albar_mm/1'
"""Rows of another generator give other pixels."""
SURVEY_FOLDER = '.progress/survey'
MASK_FOLDER, BACKGROUND_FOLDER, STILL_FOLDER = 'masks', 'backgrounds', 'stills'
_AGAIN = 'delete it and build again'


# -------------------------------------------------------------------------------------- arrays


def save_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays to an ``.npz``, whole or not at all; the same arrays give the same bytes."""
    content = io.BytesIO()
    # np.savez would store the time of writing
    with zipfile.ZipFile(content, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.save(data, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f'{name}.npy'), data.getvalue(), zipfile.ZIP_DEFLATED)
    write_bytes(path, content.getvalue())


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
        bits = np.unpackbits(self.bits, count=math.prod(self.shape))
        return bits.reshape(self.shape).view(bool)

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
    save_arrays(path, bits=np.packbits(masks), shape=np.asarray(masks.shape))


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


def read_still(root: Path, video_id: str, frame: int) -> Still:
    """Read a still, which is a frame of the video that lends it.

    Raises:
        DatasetError: It is gone or broken.
    """
    path = still_path(root, video_id, frame)
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if image is None or image.ndim != 3 or image.shape[2] != 4:
        raise DatasetError(
            f'{path}: not a still (PNG with alpha); delete {root / STILL_FOLDER} and build again'
        )
    return Still(cv2.cvtColor(image, cv2.COLOR_BGRA2RGB), image[..., 3] > 0)


def write_still(root: Path, video_id: str, frame: int, still: Still) -> None:
    """Write a still, which is a frame of the video that lends it."""
    image = np.dstack([still.frame[..., ::-1], still.mask.astype(np.uint8) * 255])
    done, data = cv2.imencode('.png', image, (cv2.IMWRITE_PNG_COMPRESSION, 1))
    if not done:
        raise DatasetError('OpenCV cannot write PNG pictures; install a full build')
    write_bytes(still_path(root, video_id, frame), data.tobytes())
