"""Backgrounds at the size of their videos, kept beside the manifest for compositing on the fly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .packed_arrays import load_arrays, save_arrays, unreadable

BACKGROUND_FOLDER = 'backgrounds'


def kept_background_path(root: Path, row: Mapping[str, Any]) -> Path:
    """Where the background of a row lies; rows that share an image and a size share the file.

    Args:
        root: Folder of the benchmark.
        row: Row of a manifest.
    """
    image = row['background_sha256'] if 'background_sha256' in row else row['stripe_seed']
    name = f'{image}_{row["width"]}x{row["height"]}.npz'
    return root / BACKGROUND_FOLDER / row['background'] / name


def save_kept_background(path: Path, image: np.ndarray) -> None:
    """Write a background, whole or not at all.

    Args:
        path: Target, ``.npz``.
        image: uint8 RGB, shape (H, W, 3).
    """
    save_arrays(path, image=image)


def load_kept_background(path: Path, height: int, width: int) -> np.ndarray | None:
    """Read a background.

    Args:
        path: The file.
        height: Of the video, in px.
        width: Of the video, in px.

    Returns:
        uint8 RGB (height, width, 3), or None if there is no such file: sets that were exported, or
        handed on without it, are composited from the images themselves.

    Raises:
        DatasetError: The file is broken or holds something else.
    """
    if not path.is_file():
        return None
    (image,) = load_arrays(path, ('image',), 'a background')
    if image.shape != (height, width, 3) or image.dtype != np.uint8:
        raise unreadable(
            path, 'a background', f'{image.dtype} {image.shape} for {width}x{height} px'
        )
    return image
