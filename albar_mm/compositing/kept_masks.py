"""Masks of the kept frames, bit-packed beside the manifest."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..utils.errors import DatasetError
from .packed_arrays import load_arrays, save_arrays, unreadable

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
    save_arrays(path, bits=np.packbits(masks), shape=np.asarray(masks.shape))


def load_kept_masks(path: Path, sha256: str | None = None) -> np.ndarray:
    """Read masks.

    Args:
        path: The file.
        sha256: What :func:`mask_sha256` must give.

    Returns:
        bool, shape (T, H, W).

    Raises:
        DatasetError: The file is gone, broken, or holds other masks.
    """
    return load_packed_masks(path, sha256).all()


def load_packed_masks(path: Path, sha256: str | None = None) -> PackedMasks:
    """Read masks without unpacking them.

    Args:
        path: The file.
        sha256: What :func:`mask_sha256` must give.

    Raises:
        DatasetError: The file is gone, broken, or holds other masks.
    """
    bits, stored_shape = load_arrays(path, ('bits', 'shape'), 'masks')
    shape = tuple(int(n) for n in np.ravel(stored_shape))
    if len(shape) != 3 or bits.dtype != np.uint8 or bits.shape != (-(-math.prod(shape) // 8),):
        raise unreadable(path, 'masks', f'{bits.dtype} bits of shape {bits.shape} for {shape}')
    if sha256 is not None and _sha256(bits, shape) != sha256:
        raise DatasetError(
            f'{path}: not the masks that the manifest was made with (their '
            'SHA-256 differs); delete it and build again'
        )
    return PackedMasks(bits, shape)


def _sha256(bits: np.ndarray, shape: tuple[int, ...]) -> str:
    digest = hashlib.sha256(repr(tuple(map(int, shape))).encode())
    digest.update(bits)
    return digest.hexdigest()
