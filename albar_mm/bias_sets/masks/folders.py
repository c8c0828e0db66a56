"""Masks that some other program wrote: PNG folders, NPZ files, run-length encoding."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from ...utils.errors import DatasetError
from ...video.source_video import SourceVideo
from .rle import decode_rle
from .source import CheckedMasks, MaskResult, find_entry

_MASK_KEYS = ('mask', 'masks')


@dataclass(frozen=True)
class PngMasks(CheckedMasks):
    """``<root>/[class/]<video>/*.png``, one per frame, in order of the numbers in their names.

    What is not zero is foreground; of a palette image, that is the index (as DAVIS stores masks);
    fully transparent pixels are background.

    Attributes:
        root: Folder of the folders.
    """

    root: Path
    name = 'png'

    def files(self, video: SourceVideo) -> list[Path]:
        """The PNG files of the video, in order.

        Args:
            video: The source video.
        """
        folder = find_entry(self.root, video, ('{}',))
        entries = folder.iterdir() if folder.is_dir() else ()
        found = [
            path
            for path in entries
            if path.suffix.lower() == '.png' and not path.name.startswith('.')
        ]
        if not found:
            raise DatasetError(f'video {video.video_id}: {folder} holds no PNG files')
        return sorted(found, key=_numbers_first)

    def _make(self, video: SourceVideo) -> MaskResult:
        files = self.files(video)
        masks = [_read_png(path) for path in files]
        for path, mask in zip(files, masks, strict=True):
            if mask.shape != masks[0].shape:
                raise DatasetError(
                    f'video {video.video_id}: {path} is of {_px(mask)}, but {files[0].name} of '
                    f'{_px(masks[0])}'
                )
        return MaskResult(np.stack(masks))


@dataclass(frozen=True)
class NpzMasks(CheckedMasks):
    """``<root>/[class/]<video>.npz`` with ``mask`` or ``masks``: bool or integers, (T, H, W).

    Attributes:
        root: Folder of the files.
    """

    root: Path
    name = 'npz'

    def files(self, video: SourceVideo) -> list[Path]:
        """The video's file.

        Args:
            video: The source video.
        """
        return [find_entry(self.root, video, ('{}.npz',))]

    def _make(self, video: SourceVideo) -> MaskResult:
        path = self.files(video)[0]
        try:
            with np.load(path, allow_pickle=False) as archive:
                key = next((key for key in _MASK_KEYS if key in archive), None)
                if key is None:
                    held = ', '.join(archive.files) or 'nothing'
                    raise DatasetError(f'{path}: no array mask or masks; it holds {held}')
                array = archive[key]
        except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
            raise DatasetError(f'{path}: cannot be read as an NPZ file: {error}') from error
        if array.dtype.kind not in 'biu':
            raise DatasetError(f'{path}: {key} is of type {array.dtype}; expected bool or integer')
        return MaskResult(array != 0)


@dataclass(frozen=True)
class RleMasks(CheckedMasks):
    """COCO run-length encoding, as most segmenters write it.

    A folder with ``[class/]<video>.json``, each a list with one entry per frame
    (``{"size": [h, w], "counts": ...}``, or ``null`` for no mask); or one JSON file with an object
    of such lists by video name.

    Attributes:
        root: The folder or the file.
    """

    root: Path
    name = 'rle'

    def files(self, video: SourceVideo) -> list[Path]:
        """The JSON file with the masks of the video.

        Args:
            video: The source video.
        """
        return [self.root if self.root.is_file() else find_entry(self.root, video, ('{}.json',))]

    def _make(self, video: SourceVideo) -> MaskResult:
        path = self.files(video)[0]
        frames = _read_json(path)
        if self.root.is_file():
            names = (video.video_id, video.path.stem, f'{video.class_name}/{video.video_id}')
            held = frames if isinstance(frames, dict) else {}
            frames = next((held[name] for name in names if name in held), None)
            if frames is None:
                raise DatasetError(f'video {video.video_id}: {path} holds no masks of it')
        if not isinstance(frames, list) or not frames:
            raise DatasetError(
                f'video {video.video_id}: {path}: expected a list of one entry per frame'
            )
        masks = np.zeros((len(frames), *video.frames.shape[1:3]), dtype=bool)
        for index, item in enumerate(frames):
            if item is None:
                continue
            where = f'video {video.video_id}: {path}, frame {index} (counted from 0)'
            try:
                mask = decode_rle(item)
            except ValueError as error:
                raise DatasetError(f'{where}: {error}') from error
            if mask.shape != masks.shape[1:]:
                raise DatasetError(
                    f'{where}: the mask is of {_px(mask)}, the video of {_px(masks[0])}'
                )
            masks[index] = mask
        return MaskResult(masks)


def _numbers_first(path: Path) -> tuple[list[tuple[int, int | str]], str]:
    """Order of frame numbers also where they are not padded with zeros."""
    parts = re.split(r'(\d+)', path.stem)
    return [(0, int(p)) if p.isdigit() else (1, p) for p in parts if p], path.name


def _read_png(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as image:
            alpha = None
            if image.mode in ('RGBA', 'LA'):
                alpha = np.asarray(image.getchannel('A'))
            values = np.asarray(image)
    except (OSError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DatasetError(f'{path}: cannot be read as an image: {error}') from error
    if alpha is not None:
        return (values[..., :-1] != 0).any(-1) & (alpha != 0)
    return values != 0 if values.ndim == 2 else (values != 0).any(-1)


def _read_json(path: Path) -> Any:  # noqa: ANN401
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f'{path}: cannot be read as JSON: {error}') from error


def _px(mask: np.ndarray) -> str:
    return f'{mask.shape[1]}x{mask.shape[0]} px'
