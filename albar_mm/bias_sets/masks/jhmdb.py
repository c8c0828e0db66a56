"""The puppet masks of JHMDB, from which the published HMDB51 sets are made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...utils.errors import BadFileError, DatasetError, reason_of
from ...video.source_video import SourceVideo
from .source import CheckedMasks, MaskResult, find_entry

KEY = 'part_mask'


@dataclass(frozen=True)
class JhmdbMasks(CheckedMasks):
    """Reads ``[class/]<video>.mat`` or JHMDB's own ``[class/]<video>/puppet_mask.mat``.

    A file holds ``part_mask``, uint8 of shape (H, W, T): 0, or the number of a body part. JHMDB did
    not annotate every frame of every clip: frames beyond T are frames without a mask. More masks
    than frames are an error. JHMDB writes ``@`` where the names of HMDB51 have ``#``.

    Attributes:
        root: Folder of the masks.
    """

    root: Path
    name = 'jhmdb'

    def files(self, video: SourceVideo) -> list[Path]:
        """The video's mask file."""
        as_in_jhmdb = video.video_id.replace('#', '@')
        return [find_entry(self.root, video, ('{}.mat', '{}/puppet_mask.mat'), [as_in_jhmdb])]

    def _make(self, video: SourceVideo) -> MaskResult:
        masks = read_puppet_mask(self.files(video)[0])
        missing = len(video.frames) - len(masks)
        if missing > 0:
            empty = np.zeros((missing, *masks.shape[1:]), dtype=bool)
            masks = np.concatenate([masks, empty])
        return MaskResult(masks)


def read_puppet_mask(path: Path) -> np.ndarray:
    """Read one mask file of MATLAB 5: bool, shape (T, H, W), True on the person.

    Raises:
        DatasetError: It cannot be read, or holds no such array.
    """
    from scipy.io import loadmat  # takes a while to import

    try:
        content = loadmat(str(path), variable_names=[KEY])
    except Exception as error:  # scipy raises whatever it stumbles over in a broken file
        reason = reason_of(error)
        raise BadFileError(f'{path}: cannot be read as a MATLAB 5 file: {reason}') from error
    array = content.get(KEY)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in 'biuf':
        raise DatasetError(f'{path}: no numeric array {KEY}; expected a JHMDB puppet mask')
    if array.ndim == 2:  # MATLAB drops a last dimension of 1
        array = array[:, :, None]
    if array.ndim != 3:
        raise DatasetError(f'{path}: {KEY} has shape {array.shape}; expected (H, W, T)')
    return np.ascontiguousarray(np.moveaxis(array != 0, 2, 0))
