"""Masks that some other program wrote: PNG folders, NPZ files, run lengths, JHMDB's puppets."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...utils.arrays import ARRAYS_MIB, read_npz
from ...utils.errors import BadFileError, DatasetError, reason_of
from ...utils.files import MIB, open_regular, read_json
from ...video.source_video import SourceVideo
from .source import MaskResult, MaskSource, check_fit, find_entry

_PUPPET_KEY = 'part_mask'
LONGEST_JHMDB_CLIP = 40


@dataclass(frozen=True)
class PngMasks(MaskSource):
    """``<root>/[class/]<video>/*.png``, one per frame, in order of the numbers in their names.

    What is not zero is foreground; of a palette image, that is the index (as DAVIS stores masks);
    fully transparent pixels are background.

    Attributes:
        root: Folder of the folders.
    """

    root: Path
    name = 'png'

    def files(self, video: SourceVideo) -> list[Path]:
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
class NpzMasks(MaskSource):
    """``<root>/[class/]<video>.npz`` with ``mask`` or ``masks``: bool or integers, (T, H, W).

    Attributes:
        root: Folder of the files.
    """

    root: Path
    name = 'npz'

    def files(self, video: SourceVideo) -> list[Path]:
        return [find_entry(self.root, video, ('{}.npz',))]

    def _make(self, video: SourceVideo) -> MaskResult:
        path = self.files(video)[0]
        arrays = read_npz(path, ('mask', 'masks'), _limit_mib(video))
        if not arrays:
            held = ', '.join(read_npz(path)) or 'nothing'
            raise BadFileError(f'{path}: no array mask or masks; it holds {held}')
        key, array = next(iter(arrays.items()))
        if array.dtype.kind not in 'biu':
            raise DatasetError(f'{path}: {key} is of type {array.dtype}; expected bool or integer')
        return MaskResult(array != 0)


@dataclass(frozen=True)
class RleMasks(MaskSource):
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
        return [self.root if self.root.is_file() else find_entry(self.root, video, ('{}.json',))]

    def _make(self, video: SourceVideo) -> MaskResult:
        path = self.files(video)[0]
        frames = read_json(path, object)
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
        shape = (len(frames), *video.frames.shape[1:3])
        check_fit(shape, video, str(path))
        masks = np.zeros(shape, dtype=bool)
        for index, item in enumerate(frames):
            if item is None:
                continue
            where = f'video {video.video_id}: {path}, frame {index} (counted from 0)'
            size = item.get('size') if isinstance(item, dict) else None
            if _is_sizes(size) and len(size) == 2 and tuple(size) != shape[1:]:
                found = f'{size[1]}x{size[0]} px'
                raise DatasetError(f'{where}: the mask is of {found}, the video of {_px(masks[0])}')
            try:
                masks[index] = decode_rle(item)
            except ValueError as error:
                raise DatasetError(f'{where}: {error}') from error
        return MaskResult(masks)


@dataclass(frozen=True)
class JhmdbMasks(MaskSource):
    """Reads ``[class/]<video>.mat`` or JHMDB's own ``[class/]<video>/puppet_mask.mat``.

    A file holds ``part_mask``, uint8 of shape (H, W, T): 0, or the number of a body part. JHMDB did
    not annotate every frame of every clip: frames beyond T are frames without a mask, counted as
    ``frames_beyond_the_masks``. More masks than frames are an error, and so is a clip of HMDB51
    that JHMDB cut its own out of: nothing says where that begins. JHMDB writes ``@`` where the
    names of HMDB51 have ``#``.

    Attributes:
        root: Folder of the masks.
    """

    root: Path
    name = 'jhmdb'

    def files(self, video: SourceVideo) -> list[Path]:
        as_in_jhmdb = video.video_id.replace('#', '@')
        return [find_entry(self.root, video, ('{}.mat', '{}/puppet_mask.mat'), [as_in_jhmdb])]

    def _make(self, video: SourceVideo) -> MaskResult:
        path = self.files(video)[0]
        masks = read_puppet_mask(path, _limit_mib(video))
        missing = max(0, video.total - len(masks))
        if missing and video.total > LONGEST_JHMDB_CLIP:
            raise DatasetError(
                f'video {video.video_id}: {path} holds {len(masks)} masks, but {video.path} has '
                f'{video.total} frames, more than any clip of JHMDB: its clips are cut out of '
                'those of HMDB51; name the folder of its own (ReCompress_Videos) with --videos'
            )
        padded = np.pad(masks, ((0, missing), (0, 0), (0, 0)))
        notes = dict(frames_beyond_the_masks=missing) if missing else {}
        return MaskResult(padded, notes, covered=len(masks))


def _numbers_first(path: Path) -> tuple[list[tuple[int, int | str]], str]:
    """Order of frame numbers also where they are not padded with zeros."""
    parts = re.split(r'(\d+)', path.stem)
    return [(0, int(p)) if p.isdigit() else (1, p) for p in parts if p], path.name


def _read_png(path: Path) -> np.ndarray:
    try:
        with open_regular(path, what='an image') as stream, Image.open(stream) as image:
            alpha = np.asarray(image.getchannel('A')) if image.mode in ('RGBA', 'LA') else None
            values = np.asarray(image)
    except Image.DecompressionBombError as error:
        raise BadFileError(f'{path}: cannot be read as an image: {reason_of(error)}') from error
    if alpha is not None:
        return (values[..., :-1] != 0).any(-1) & (alpha != 0)
    return values != 0 if values.ndim == 2 else (values != 0).any(-1)


def _px(mask: np.ndarray) -> str:
    return f'{mask.shape[1]}x{mask.shape[0]} px'


def decode_rle(item: Any) -> np.ndarray:
    """Decode one mask of COCO's run-length encoding (github.com/cocodataset/cocoapi, maskApi.h).

    Runs alternate between background and foreground, background first, down the columns.

    Args:
        item: ``size`` [height, width], and ``counts``: a list of run lengths, or COCO's string.

    Raises:
        ValueError: It is no such encoding; says why.
    """
    if not isinstance(item, dict) or not {'size', 'counts'} <= item.keys():
        raise ValueError("expected an object with 'size' and 'counts'")
    size, counts = item['size'], item['counts']
    if not _is_sizes(size) or len(size) != 2 or 0 in size:
        raise ValueError(f'size {size!r}; expected [height, width]')
    if isinstance(counts, str):
        counts = _runs_of_string(counts)
    if not _is_sizes(counts):
        raise ValueError('counts are neither a string nor a list of integers >= 0')
    height, width = size
    if sum(counts) != height * width:
        raise ValueError(f'the runs cover {sum(counts)} of {height} x {width} pixels')
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(width, height).T


def _is_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)


def _runs_of_string(text: str) -> list[int]:
    """Numbers of 5-bit groups, lowest first, each plus 48; bit 5 says that more groups follow.

    From the fourth on, a number is the difference to the run two before it.
    """
    runs: list[int] = []
    digits: list[int] = []
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64:
            raise ValueError(f'character {character!r} in the string of counts')
        digits.append(code & 31)
        if code & 32:
            continue
        runs.append(_signed(digits) + (runs[-2] if len(runs) > 2 else 0))
        digits = []
    if digits:
        raise ValueError('the string of counts ends within a number')
    return runs


def _signed(digits: Sequence[int]) -> int:
    value = sum(digit << (5 * place) for place, digit in enumerate(digits))
    return value - (1 << (5 * len(digits))) if digits[-1] & 16 else value


def _limit_mib(video: SourceVideo) -> float:
    """What masks of a video may take: eight bytes a pixel, and as much again for small ones."""
    return 16 + 8 * video.total * video.frames[0, ..., 0].size / MIB


def read_puppet_mask(path: Path, limit_mib: float = ARRAYS_MIB) -> np.ndarray:
    """Read one mask file of MATLAB 5: bool, shape (T, H, W), True on the person.

    Args:
        path: The file.
        limit_mib: Largest size of the mask in MiB, a byte a pixel.

    Raises:
        DatasetError: It cannot be read, or holds no such array.
    """
    from scipy.io import loadmat, whosmat  # take a while to import

    with open_regular(path, what='a MATLAB 5 file') as stream:
        try:
            told = {name: math.prod(shape) / MIB for name, shape, _ in whosmat(stream)}
            if told.get(_PUPPET_KEY, 0) > limit_mib:
                size = told[_PUPPET_KEY]
                raise ValueError(f'it takes {size:.0f} MiB, at most {limit_mib:.0f} are expected')
            stream.seek(0)
            content = loadmat(stream, variable_names=[_PUPPET_KEY])
        except Exception as error:  # scipy raises whatever it stumbles over in a broken file
            raise ValueError(reason_of(error)) from error
    array = content.get(_PUPPET_KEY)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in 'biuf':
        raise DatasetError(f'{path}: no numeric array {_PUPPET_KEY}; expected a JHMDB puppet mask')
    if array.ndim == 2:  # MATLAB drops a last dimension of 1
        array = array[:, :, None]
    if array.ndim != 3:
        raise DatasetError(f'{path}: {_PUPPET_KEY} has shape {array.shape}; expected (H, W, T)')
    return np.ascontiguousarray(np.moveaxis(array != 0, 2, 0))
