"""Scene labels of the videos of a data set."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.errors import DatasetError
from ..utils.files import read_npz
from .video_names import VideoNames

SUM_SLACK = 1e-2
"""How far from 1 the sum of probabilities may be, for rounding (float16 of 365 classes: 2e-3)."""
_MOST = 2**31  # a larger number is no class index


class SceneLabels:
    """Scene labels of many videos: a class index or probabilities for each.

    Args:
        path: File that they come from, for messages.
        names: What the file calls the V videos.
        labels: int64 (V,) class indices, or float32 (V, S) probabilities.
        num_scenes: S where the file tells it; default: the largest index + 1.

    Raises:
        DatasetError: There are none, a label is illegal (names the video), or ``num_scenes`` is too
            small for the labels.
    """

    def __init__(
        self, path: Path, names: Sequence[str], labels: np.ndarray, num_scenes: int | None = None
    ) -> None:
        self.path, self.names = path, tuple(names)
        if not self.names:
            raise DatasetError(f'{path}: holds no videos')
        if labels.ndim == 2:
            labels = _distributions(labels, self.names, path)
            least, most = labels.shape[1], labels.shape[1]
        else:
            bad = np.flatnonzero(labels < 0)
            if bad.size:
                raise DatasetError(
                    f'{path}: {self.names[bad[0]]}: scene {labels[bad[0]]}; '
                    'expected a class index from 0'
                )
            least, most = int(labels.max()) + 1, None
        num_scenes = num_scenes or least
        if num_scenes < least or (most and num_scenes > most):
            # whoever trusts the number would build a network of another size than the labels need
            raise DatasetError(f'{path}: says num_scenes={num_scenes}, but its labels need {least}')
        self.num_scenes: int = num_scenes
        self.labels = labels
        self._lookup = VideoNames(self.names, str(path))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def soft(self) -> bool:
        """Whether a label is probabilities, not a class index."""
        return self.labels.ndim == 2

    def of(self, video: str | os.PathLike) -> int | np.ndarray | None:
        """Label of a video.

        Args:
            video: Path of its file or of the folder of its frames; see :class:`VideoNames` for
                what the file may call it.

        Returns:
            A class index, or float32 (S,) probabilities; None if the file does not have the video.

        Raises:
            DatasetError: Several entries may be meant.
        """
        index = self._lookup.find(str(video))
        if index is None:
            return None
        return self.labels[index] if self.soft else int(self.labels[index])

    def missing(self, video: str | os.PathLike) -> DatasetError:
        """The error that says that a video is not in the file, and what to do.

        Args:
            video: Path of the video.
        """
        return DatasetError(
            f'{self.path}: no scene label of video {video}{self._lookup.like(str(video))}; make '
            "them with tools/label_scenes.py, or set missing='none' to leave such videos out of "
            'the scene loss'
        )


def read_scene_labels(path: str | os.PathLike) -> SceneLabels:
    """Read a file of scene labels; the same file is read once in a process.

    Known by its ending:

    - ``.npz``, as ``tools/label_scenes.py`` writes: ``video``, unicode (V,); ``scene``, integers
      (V,), or ``scene_prob``, float (V, S); ``num_scenes``, integer.
    - everything else: our JSON lines, ``{"video": "<path>", "scene": <class index>}`` or
      ``{"video": ..., "scene_prob": [...]}``; with both, the probabilities count. A line may tell
      ``num_scenes``. ``<split>.jsonl`` of motion_sprites is such a file.

    Args:
        path: The file.

    Returns:
        The labels.

    Raises:
        DatasetError: It cannot be read, or an entry in it is wrong; names the place.
    """
    path = Path(path)
    try:
        stat = path.stat()
    except OSError as error:
        raise DatasetError(
            f'{path}: no such file of scene labels; tools/label_scenes.py makes one'
        ) from error
    return _read(path, stat.st_size, stat.st_mtime_ns)


def scene_count(path: str | os.PathLike) -> int:
    """Number of scene classes S of a file of scene labels, for ``sdn.num_scenes``.

    Args:
        path: The file. Class indices without ``num_scenes`` give the largest index + 1, so a file
            of the training videos should be asked.

    Raises:
        DatasetError: See :func:`read_scene_labels`.
    """
    return read_scene_labels(path).num_scenes


@lru_cache(maxsize=4)
def _read(path: Path, size: int, mtime_ns: int) -> SceneLabels:
    return _arrays(path) if path.suffix.lower() == '.npz' else _lines(path)


def _lines(path: Path) -> SceneLabels:
    names, labels, told = [], [], 0
    first: tuple[str, int | None] | None = None
    for row, where in _rows(path):
        label = _label(row, where)
        told = max(told, _told(row, where))
        kind = (where, None if isinstance(label, int) else len(label))
        first = first or kind
        if kind[1] != first[1]:
            raise DatasetError(
                f'{where}: {_named(kind[1])}, but {first[0]} has '
                f'{_named(first[1])}; all videos need the same'
            )
        names.append(row['video'])
        labels.append(label)
    dtype = np.float32 if first and first[1] is not None else np.int64
    return SceneLabels(path, names, np.array(labels, dtype), told or None)


def _rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    try:
        with path.open(encoding='utf-8-sig') as stream:
            for number, line in enumerate(stream, 1):
                where = f'{path}:{number}'
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise DatasetError(f'{where}: no JSON: {error}') from error
                if not isinstance(row, dict) or not isinstance(row.get('video'), str):
                    raise DatasetError(f'{where}: expected {{"video": "<path>", "scene": ...}}')
                yield row, where
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f'{path}: cannot be read as JSON lines: {error}') from error


def _label(row: dict[str, Any], where: str) -> int | np.ndarray:
    if 'scene_prob' in row:
        try:
            label = np.array(row['scene_prob'], np.float32)
        except (TypeError, ValueError, OverflowError):
            label = np.empty(0)
        if label.ndim == 1 and len(label) >= 2:
            return label
        raise DatasetError(
            f'{where}: {row["video"]}: expected "scene_prob", a list of 2 or more numbers'
        )
    label = row.get('scene')
    if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < _MOST:
        raise DatasetError(
            f'{where}: {row["video"]}: expected "scene", a class index from 0, or '
            f'"scene_prob", got scene {label!r}'
        )
    return label


def _told(row: dict[str, Any], where: str) -> int:
    told = row.get('num_scenes', 0)
    if isinstance(told, bool) or not isinstance(told, int) or told < 0:
        raise DatasetError(
            f'{where}: {row["video"]}: expected "num_scenes", a whole number, got {told!r}'
        )
    return told


def _named(length: int | None) -> str:
    return 'a class index' if length is None else f'{length} probabilities'


def _arrays(path: Path) -> SceneLabels:
    arrays = read_npz(path, ('video', 'scene', 'scene_prob', 'num_scenes'))
    names = arrays.get('video')
    labels = arrays.get('scene_prob', arrays.get('scene'))
    if names is None or names.ndim != 1 or names.dtype.kind != 'U' or labels is None:
        raise DatasetError(
            f'{path}: expected the arrays video (text) and scene or scene_prob, as '
            'tools/label_scenes.py writes them'
        )
    soft = 'scene_prob' in arrays
    if (
        labels.ndim != 1 + soft
        or len(labels) != len(names)
        or (labels.dtype.kind not in ('f' if soft else 'iu'))
    ):
        raise DatasetError(
            f'{path}: {"scene_prob" if soft else "scene"} is {labels.dtype} '
            f'{labels.shape} for {len(names)} videos; expected '
            f'{"float (V, S)" if soft else "integers (V,)"}'
        )
    told = arrays.get('num_scenes')
    if told is not None and (told.shape != () or told.dtype.kind not in 'iu'):
        raise DatasetError(f'{path}: num_scenes is {told.dtype} {told.shape}; expected an integer')
    labels = labels.astype(np.float32 if soft else np.int64)
    return SceneLabels(path, names.tolist(), labels, None if told is None else int(told))


def _distributions(labels: np.ndarray, names: Sequence[str], path: Path) -> np.ndarray:
    """Probabilities whose sum is 1 again after they were rounded for the file."""
    sums = labels.sum(1, dtype=np.float64)
    sound = np.isfinite(labels).all(1) & (labels >= 0).all(1) & (np.abs(sums - 1) <= SUM_SLACK)
    if not sound.all():
        bad = int(np.flatnonzero(~sound)[0])
        raise DatasetError(
            f'{path}: {names[bad]}: scene_prob are no probabilities: smallest value '
            f'{labels[bad].min():.4g}, sum {sums[bad]:.4g}'
        )
    return (labels / sums[:, None]).astype(np.float32)
