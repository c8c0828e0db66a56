"""Scene labels of the videos of a data set."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.errors import BadFileError
from ..utils.files import read_json_lines, read_npz
from ..utils.rows import check_row
from .video_lists import VideoEntries, read_once

SUM_SLACK = 1e-2
"""How far from 1 the sum of probabilities may be, for rounding (float16 of 365 classes: 2e-3)."""
_MOST = 2**31  # a larger number is no class index
_INDEX = 'a class index'


class SceneLabels(VideoEntries):
    """Scene labels of many videos: for each a class index, or probabilities, float32 (S,).

    Args:
        path: File that they come from, for messages.
        names: What the file calls the V videos.
        labels: int64 (V,) class indices, or float32 (V, S) probabilities.
        num_scenes: S where the file tells it; default: the largest index + 1.

    Attributes:
        soft: Whether a label is probabilities, not a class index.

    Raises:
        DatasetError: There are none, a label is illegal (names the video), or ``num_scenes`` is too
            small for the labels.
    """

    def __init__(
        self, path: Path, names: Sequence[str], labels: np.ndarray, num_scenes: int | None = None
    ) -> None:
        super().__init__(
            path,
            names,
            'scene label',
            "make them with tools/label_scenes.py, or set missing='none' to leave such videos out "
            'of the scene loss',
        )
        self.soft = labels.ndim == 2
        if self.soft:
            labels = _distributions(labels, self.names, path)
            least = most = labels.shape[1]
        else:
            for bad in np.flatnonzero(labels < 0)[:1]:
                raise BadFileError(
                    f'{path}: {names[bad]}: scene {labels[bad]}; expected a class index from 0'
                )
            least, most = int(labels.max()) + 1, _MOST
        self.num_scenes: int = num_scenes or least
        if not least <= self.num_scenes <= most:
            # whoever trusts the number would build a network of another size than the labels need
            raise BadFileError(f'{path}: says {num_scenes=}, but its labels need {least}')
        self.labels = labels

    def _entry(self, index: int) -> int | np.ndarray:
        return self.labels[index] if self.soft else int(self.labels[index])


def read_scene_labels(path: str | os.PathLike) -> SceneLabels:
    """Read a file of scene labels; the same file is read once in a process.

    Known by its ending:

    - ``.npz``, as ``tools/label_scenes.py`` writes: ``video``, unicode (V,); ``scene``, integers
      (V,), or ``scene_prob``, float (V, S); ``num_scenes``, integer.
    - everything else: our JSON lines, ``{"video": "<path>", "scene": <class index>}`` or
      ``{"video": ..., "scene_prob": [...]}``; with both, the probabilities count. A line may tell
      ``num_scenes``. ``<split>.jsonl`` of motion_sprites is such a file.

    Raises:
        DatasetError: It cannot be read, or an entry in it is wrong; names the place.
    """
    return read_once(_read, path, 'no such file of scene labels; tools/label_scenes.py makes one')


def scene_count(path: str | os.PathLike) -> int:
    """Number of scene classes S of a file of scene labels, for ``sdn.num_scenes``.

    Class indices without ``num_scenes`` give the largest index + 1, so a file of the training
    videos should be asked.

    Raises:
        DatasetError: See :func:`read_scene_labels`.
    """
    return read_scene_labels(path).num_scenes


def _read(path: Path) -> SceneLabels:
    return _arrays(path) if path.suffix.lower() == '.npz' else _lines(path)


def _lines(path: Path) -> SceneLabels:
    names, labels, told = [], [], 0
    first = ('', 0)
    for where, row in read_json_lines(path):
        check_row(row, where, dict(video=str))
        label, named = _label(row, f'{where}: {row["video"]}')
        told = max(told, row.get('num_scenes') or 0)
        first = first if names else (where, named)
        if named != first[1]:
            raise BadFileError(
                f'{where}: {named}, but {first[0]} has {first[1]}; all videos need the same'
            )
        names.append(row['video'])
        labels.append(label)
    dtype = np.int64 if first[1] == _INDEX else np.float32
    return SceneLabels(path, names, np.array(labels, dtype), told or None)


def _label(row: dict[str, Any], where: str) -> tuple[int | np.ndarray, str]:
    """The label, and what kind it is."""
    check_row(row, where, dict(num_scenes=range(_MOST)), optional=['num_scenes'])
    if 'scene_prob' not in row:
        kind = range(_MOST), 'a class index from 0, or "scene_prob"'
        check_row(row, where, dict(scene=kind))
        return row['scene'], _INDEX
    try:
        label = np.array(row['scene_prob'], np.float32)
    except (TypeError, ValueError, OverflowError):
        label = np.empty(0)
    if label.ndim != 1 or len(label) < 2:
        raise BadFileError(f'{where}: expected "scene_prob", a list of 2 or more numbers')
    return label, f'{len(label)} probabilities'


def _arrays(path: Path) -> SceneLabels:
    arrays = read_npz(path, ('video', 'scene', 'scene_prob', 'num_scenes'))
    names, told = arrays.get('video'), arrays.get('num_scenes', np.array(0))
    soft = 'scene_prob' in arrays
    key, kinds, shape = ('scene_prob', 'f', 'float (V, S)') if soft else ('scene', 'iu', 'integers')
    if names is None or names.ndim != 1 or names.dtype.kind != 'U' or key not in arrays:
        raise BadFileError(
            f'{path}: expected the arrays video (text) and scene or scene_prob, as '
            'tools/label_scenes.py writes them'
        )
    labels = arrays[key]
    if labels.ndim != 1 + soft or len(labels) != len(names) or labels.dtype.kind not in kinds:
        raise BadFileError(
            f'{path}: {key} is {labels.dtype} {labels.shape} for {len(names)} videos; '
            f'expected {shape}'
        )
    if told.shape != () or told.dtype.kind not in 'iu':
        raise BadFileError(f'{path}: num_scenes is {told.dtype} {told.shape}; expected an integer')
    labels = labels.astype(np.float32 if soft else np.int64)
    return SceneLabels(path, names.tolist(), labels, int(told) or None)


def _distributions(labels: np.ndarray, names: Sequence[str], path: Path) -> np.ndarray:
    """Probabilities whose sum is 1 again after they were rounded for the file."""
    sums = labels.sum(1, dtype=np.float64)
    sound = np.isfinite(labels).all(1) & (labels >= 0).all(1) & (np.abs(sums - 1) <= SUM_SLACK)
    if not sound.all():
        bad = int(np.flatnonzero(~sound)[0])
        raise BadFileError(
            f'{path}: {names[bad]}: scene_prob are no probabilities: smallest value '
            f'{labels[bad].min():.4g}, sum {sums[bad]:.4g}'
        )
    return (labels / sums[:, None]).astype(np.float32)
