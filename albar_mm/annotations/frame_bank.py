"""The frame bank of StillMix: still frames that a 2D network recognises the action in.

A bank is one ``.npz`` file. ``tools/build_frame_bank.py`` writes it; the blending of StillMix reads
it. docs/frame_bank.md has the job from end to end.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.arrays import read_npz, write_npz
from ..utils.errors import BadFileError, DatasetError
from ..utils.files import parse_json

_ADVICE = 'make it with tools/build_frame_bank.py'
_KEYS = ('frames', 'probability', 'source', 'num_classes', 'info')


@dataclass(frozen=True, eq=False)
class FrameBank:
    """Still frames to mix into clips (StillMix, Li et al., ICCV 2023, Section 3.3).

    Attributes:
        frames: uint8 RGB, shape (M, H, W, 3), M >= 1.
        probability: float32 (M,), in [0, 1]: what the reference network gave each frame.
        source: unicode (M,), ``<video>#<frame>`` with the path as in the annotation file and frames
            counted from 0.
        num_classes: Number of classes of the reference network, >= 2.
        info: How the bank was made, as JSON has it.
    """

    frames: np.ndarray
    probability: np.ndarray
    source: np.ndarray
    num_classes: int
    info: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.frames)


def load_frame_bank(path: str | os.PathLike) -> FrameBank:
    """Read a frame bank. Pickled content is never loaded.

    Raises:
        BadFileError: There is no such file, it is damaged, or it is no frame bank; names the file.
    """
    where = f'frame bank {path}'
    try:
        found = read_npz(path, _KEYS, limit_mib=16 * 1024)
    except DatasetError as error:
        raise BadFileError(f'frame bank {error}; {_ADVICE}') from error
    for key in _KEYS:
        if key not in found:
            raise BadFileError(f'{where}: {key!r} is missing; {_ADVICE}')
    number, text = found['num_classes'], found['info']
    for key, kinds, expected in (
        ('num_classes', 'iu', 'a whole number'),
        ('info', 'U', 'the text of a JSON object'),
    ):
        value = found[key]
        if value.shape or value.dtype.kind not in kinds:
            raise BadFileError(
                f'{where}: {key} must be {expected}, got {value.dtype} of shape {value.shape}'
            )
    info = parse_json(str(text), f'{where}: info')
    bank = FrameBank(found['frames'], found['probability'], found['source'], int(number), info)
    _check(bank, where)
    return bank


def save_frame_bank(path: str | os.PathLike, bank: FrameBank) -> Path:
    """Write a frame bank, whole or not at all; the same bank gives the same bytes.

    Args:
        path: The ``.npz`` file; its folder is made if absent.
        bank: What to write.

    Raises:
        BadFileError: The bank is not as :class:`FrameBank` says, or the name does not end in
            ``.npz``; names the file.
        DatasetError: It cannot be written, e.g. on a full disk.
    """
    path = Path(path)
    if path.suffix != '.npz':
        raise BadFileError(f'frame bank {path}: the name must end in .npz')
    _check(bank, f'frame bank {path}')
    info = json.dumps(bank.info, sort_keys=True, ensure_ascii=False, allow_nan=False)
    arrays = dict(
        frames=bank.frames,
        probability=bank.probability,
        source=bank.source,
        num_classes=np.int64(bank.num_classes),
        info=np.array(info),
    )
    # numpy gives every member the same date; frames of videos hardly shrink, so none is compressed
    write_npz(path, arrays, compressed=False)
    return path


def _check(bank: FrameBank, where: str) -> None:
    frames, probability, source = bank.frames, bank.probability, bank.source
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or not frames.size:
        raise BadFileError(
            f'{where}: frames must be uint8 of shape (M, H, W, 3) with M, H, W >= 1, '
            f'got {frames.dtype} of shape {frames.shape}'
        )
    for name, values, dtype, fits in (
        ('probability', probability, 'float32', probability.dtype == np.float32),
        ('source', source, 'unicode', source.dtype.kind == 'U'),
    ):
        if not fits or values.shape != (len(frames),):
            raise BadFileError(
                f'{where}: {name} must be {dtype} of shape ({len(frames)},), got '
                f'{values.dtype} of shape {values.shape}'
            )
    wrong = ~((probability >= 0) & (probability <= 1))
    if wrong.any():
        raise BadFileError(
            f'{where}: probability must be in [0, 1], got '
            f'{probability[wrong][0]} for {source[wrong][0]}'
        )
    if isinstance(bank.num_classes, bool) or bank.num_classes < 2:
        raise BadFileError(f'{where}: num_classes must be >= 2, got {bank.num_classes}')
