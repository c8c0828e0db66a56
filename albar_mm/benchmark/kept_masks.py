"""Masks of the kept frames, bit-packed beside the manifest."""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import BenchmarkError
from .video_file import write_whole

MASK_FOLDER = 'masks'


def kept_masks_path(root: Path, video_id: str) -> Path:
    """Where the masks of a source video lie."""
    return root / MASK_FOLDER / f'{video_id}.npz'


def mask_sha256(masks: np.ndarray) -> str:
    """SHA-256 of masks, of their shape and their bits.

    Args:
        masks: bool, shape (T, H, W).
    """
    return _sha256(np.packbits(masks), masks.shape)


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
        """Unpack the masks of some frames.

        Args:
            indices: n kept frames, each in [0, T).

        Returns:
            bool, shape (n, H, W).
        """
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


def save_kept_masks(path: Path, masks: np.ndarray) -> None:
    """Write masks, whole or not at all; the same masks give the same bytes.

    Args:
        path: Target, ``.npz``.
        masks: bool, shape (T, H, W).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    # np.savez would store the time of writing
    with zipfile.ZipFile(content, 'w', zipfile.ZIP_DEFLATED) as archive:
        entries = dict(bits=np.packbits(masks), shape=np.asarray(masks.shape))
        for name, array in entries.items():
            data = io.BytesIO()
            np.save(data, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f'{name}.npy'), data.getvalue(), zipfile.ZIP_DEFLATED)
    write_whole(path, content.getvalue())


def load_kept_masks(path: Path, sha256: str | None = None) -> np.ndarray:
    """Read masks.

    Args:
        path: The file.
        sha256: What :func:`mask_sha256` must give.

    Returns:
        bool, shape (T, H, W).

    Raises:
        BenchmarkError: The file is gone, broken, or holds other masks.
    """
    return load_packed_masks(path, sha256).all()


def load_packed_masks(path: Path, sha256: str | None = None) -> PackedMasks:
    """Read masks without unpacking them.

    Args:
        path: The file.
        sha256: What :func:`mask_sha256` must give.

    Raises:
        BenchmarkError: The file is gone, broken, or holds other masks.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            shape = tuple(int(n) for n in stored['shape'])
            bits = stored['bits']
        if len(shape) != 3 or bits.dtype != np.uint8 or bits.shape != (-(-math.prod(shape) // 8),):
            raise ValueError(f'{bits.dtype} bits of shape {bits.shape} for masks {shape}')
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise BenchmarkError(f'{path}: cannot be read as masks ({error}); delete it and build '
                             'again') from error  # fmt: skip
    if sha256 is not None and _sha256(bits, shape) != sha256:
        raise BenchmarkError(f'{path}: not the masks that the manifest was made with (their '
                             'SHA-256 differs); delete it and build again')  # fmt: skip
    return PackedMasks(bits, shape)


def _sha256(bits: np.ndarray, shape: tuple[int, ...]) -> str:
    digest = hashlib.sha256(repr(tuple(map(int, shape))).encode())
    digest.update(bits)
    return digest.hexdigest()
