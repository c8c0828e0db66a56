"""Masks of the kept frames, bit-packed beside the manifest."""

from __future__ import annotations

import hashlib
import io
import zipfile
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
    digest = hashlib.sha256(repr(tuple(map(int, masks.shape))).encode())
    digest.update(np.packbits(masks).tobytes())
    return digest.hexdigest()


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
    try:
        with np.load(path, allow_pickle=False) as stored:
            shape = tuple(int(n) for n in stored['shape'])
            bits = np.unpackbits(stored['bits'], count=int(np.prod(shape)))
            masks = bits.reshape(shape).view(bool)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise BenchmarkError(f'{path}: cannot be read as masks ({error}); delete it and build '
                             'again') from error  # fmt: skip
    if sha256 is not None and mask_sha256(masks) != sha256:
        raise BenchmarkError(f'{path}: not the masks that the manifest was made with (their '
                             'SHA-256 differs); delete it and build again')  # fmt: skip
    return masks
