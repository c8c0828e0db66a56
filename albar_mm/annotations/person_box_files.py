"""Readers of the layouts in which person boxes come; see :func:`.person_boxes.read_person_boxes`.

Each gives, video by video, the name, the number of boxes in every frame and all boxes in the order
of the frames. Files are data: pickled ones go through the restricted unpickler.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..utils import safe_pickle as restricted_pickle
from ..utils.errors import DatasetError
from .tubes import Tube, read_boxes

_MOST_FRAMES = 10_000_000  # four days of video; no memory for a number that cannot be a frame


@dataclass(frozen=True, eq=False)
class VideoEntry:
    """Boxes of one video as a file has them.

    Attributes:
        name: What the file calls the video.
        counts: int64 (F,), number of boxes in each frame from frame 0.
        rows: float32 (sum of counts, 5) of x1, y1, x2, y2, score; x1 < x2 and y1 < y2.
        dropped: Boxes of the file that cover nothing and are left out.
    """

    name: str
    counts: np.ndarray
    rows: np.ndarray
    dropped: int = 0


def read_lines(path: Path) -> Iterator[VideoEntry]:
    """Read JSON lines ``{"video": ..., "boxes": [one entry per frame]}``.

    Args:
        path: The file.

    Yields:
        One video a line; other keys are ignored.

    Raises:
        DatasetError: A line is none of these; names it.
    """
    try:
        with path.open(encoding='utf-8-sig') as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield _line(line, f'{path}:{number}')
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f'{path}: cannot be read as JSON lines: {error}') from error


def read_tubes(path: Path) -> Iterator[VideoEntry]:
    """Read the UCF101-24 annotation (either layout) or text ``video frame x1 y1 x2 y2``.

    Args:
        path: The file.

    Yields:
        One video each, up to its last frame with a box; annotated boxes have the score 1.

    Raises:
        DatasetError: See :func:`albar_mm.annotations.tubes.read_boxes`.
    """
    for name, tubes in read_boxes(path).items():
        frames = np.concatenate([tube.frames for tube in tubes]) if tubes else np.empty(0, int)
        order = np.argsort(frames, kind='stable')
        if len(frames) and frames.max() >= _MOST_FRAMES:
            raise DatasetError(
                f'{path}: {name}: a box of frame {frames.max() + 1}; expected '
                f'numbers to {_MOST_FRAMES}'
            )
        yield VideoEntry(name, np.bincount(frames), _scored(tubes)[order])


def read_detections(content: Any, path: Path) -> Iterator[VideoEntry]:  # noqa: ANN401
    """Take the published detections of ActorCutMix and StillMix apart.

    Args:
        content: Dict video -> {frame from 1 -> (n, 4 or 5)}.
        path: Their file, for messages.

    Yields:
        One video each; frames without a key have no boxes.

    Raises:
        DatasetError: They are laid out differently; names the video and the frame.
    """
    if not isinstance(content, Mapping) or not content:
        raise DatasetError(f'{path}: expected a dict of videos, got {_shown(content)}')
    for name, frames in content.items():
        where = f'{path}: {name}'
        if not isinstance(frames, Mapping) or not all(
            isinstance(key, Integral) and key >= 1 for key in frames
        ):
            raise DatasetError(
                f'{where}: expected a dict of frame numbers from 1 to boxes, got {_shown(frames)}'
            )
        last = max((int(key) for key in frames), default=0)
        if last > 100 * max(1, len(frames)):  # no memory for a number that cannot be a frame
            raise DatasetError(f'{where}: {len(frames)} entries, but one of frame {last}')
        counts, boxes, dropped = np.zeros(last, np.int64), [], 0
        for frame in sorted(frames):
            rows = _rows(frames[frame], f'{where}: frame {frame}')
            # detectors clip boxes to the image, which can leave nothing of them
            sound = _not_empty(rows)
            counts[frame - 1], dropped = sound.sum(), dropped + int((~sound).sum())
            boxes.append(rows[sound])
        yield VideoEntry(str(name), counts, np.concatenate(boxes) if boxes else _none(), dropped)


def load_pickled(path: Path) -> Any:  # noqa: ANN401
    """Load a pickle, or the pickled object in an ``.npy`` file, as data.

    Args:
        path: The file; what ends in ``.npy`` has numpy's header.

    Returns:
        Containers, numbers, text and plain arrays.

    Raises:
        DatasetError: It asks for anything that could run; or it is broken.
    """
    if path.suffix.lower() != '.npy':
        return restricted_pickle.load_restricted(path)
    try:
        with path.open('rb') as stream:
            _skip_header(stream, path)
            array = _ObjectArrays(stream, path).load()
    except DatasetError:
        raise
    except Exception as error:  # a broken pickle can raise nearly anything
        text = ' '.join(str(error).split())[:200] or type(error).__name__
        raise DatasetError(f'{path}: cannot be read as a pickle of boxes: {text}') from error
    if not isinstance(array, np.ndarray) or array.shape != ():
        raise DatasetError(f'{path}: expected one dict of videos, got {_shown(array)}')
    return array.item()


def _line(line: str, where: str) -> VideoEntry:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DatasetError(f'{where}: no JSON: {error}') from error
    if not isinstance(row, dict) or not isinstance(row.get('video'), str):
        raise DatasetError(f'{where}: expected {{"video": "<path>", "boxes": [...]}}')
    frames = row.get('boxes')
    if not isinstance(frames, list) or not frames:
        raise DatasetError(
            f'{where}: {row["video"]}: expected "boxes", a list with one entry per '
            f'frame, got {_shown(frames)}'
        )
    # a single box may stand for the list of boxes of its frame
    lists = [[frame] if _is_box(frame) else frame for frame in frames]
    if not all(isinstance(frame, list) for frame in lists):
        bad = next(i for i, frame in enumerate(lists) if not isinstance(frame, list))
        raise DatasetError(
            f'{where}: {row["video"]}: frame {bad}: expected a list of boxes, got '
            f'{_shown(frames[bad])}'
        )
    counts = np.fromiter(map(len, lists), np.int64, len(lists))
    try:
        rows = _rows([box for frame in lists for box in frame], where)
        if _not_empty(rows).all():
            return VideoEntry(row['video'], counts, rows)
    except DatasetError:
        pass  # found again below, where the frame is known
    for index, frame in enumerate(lists):
        place = f'{where}: {row["video"]}: frame {index}'
        rows = _rows(frame, place)
        if not _not_empty(rows).all():
            bad = rows[int(np.flatnonzero(~_not_empty(rows))[0])].tolist()
            raise DatasetError(f'{place}: the box {bad[:4]} is empty; expected x1 < x2 and y1 < y2')
    raise AssertionError(where)


def _is_box(frame: Any) -> bool:  # noqa: ANN401
    return isinstance(frame, list) and bool(frame) and not isinstance(frame[0], list)


def _rows(boxes: Any, where: str) -> np.ndarray:  # noqa: ANN401
    """Check boxes (n, 4) or (n, 5) of one frame and give them a score if they have none."""
    try:
        if isinstance(boxes, Sequence) and len({len(box) for box in boxes}) > 1:
            return np.concatenate([_rows([box], where) for box in boxes])
        array = np.asarray(boxes, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DatasetError(f'{where}: expected boxes of numbers, got {_shown(boxes)}') from error
    if array.ndim and not len(array):
        return _none()
    if array.ndim != 2 or array.shape[1] not in (4, 5):
        raise DatasetError(
            f'{where}: expected boxes x1, y1, x2, y2 or x1, y1, x2, y2, score, got {_shown(boxes)}'
        )
    if not np.isfinite(array).all():
        raise DatasetError(f'{where}: expected finite numbers, got {_shown(boxes)}')
    if array.shape[1] == 4:
        array = np.concatenate([array, np.ones((len(array), 1))], axis=1)
    return array.astype(np.float32)


def _not_empty(rows: np.ndarray) -> np.ndarray:
    return (rows[:, 0] < rows[:, 2]) & (rows[:, 1] < rows[:, 3])


def _scored(tubes: Sequence[Tube]) -> np.ndarray:
    boxes = [np.concatenate([tube.boxes, np.ones((len(tube.boxes), 1))], axis=1) for tube in tubes]
    return np.concatenate(boxes).astype(np.float32) if boxes else _none()


def _none() -> np.ndarray:
    return np.empty((0, 5), np.float32)


def _shown(value: Any) -> str:  # noqa: ANN401
    text = ' '.join(repr(value).split())
    return f'{type(value).__name__} {text[:60]}' + ('…' if len(text) > 60 else '')


def _skip_header(stream: BinaryIO, path: Path) -> None:
    formats = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(stream)
    if version not in formats:
        raise ValueError(f'version {version} of the npy format')
    shape, _, dtype = formats[version](stream)
    if dtype.kind != 'O' or math.prod(shape) != 1:
        raise DatasetError(
            f'{path}: holds an array {shape} of {dtype}; expected a dict of videos '
            'saved with numpy.save'
        )


class _ObjectArrays(restricted_pickle.RestrictedUnpickler):
    """Knows arrays of objects too: a dict in an ``.npy`` file is one of no dimension.

    The objects are built by the restricted unpickler like all others.
    """

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        known = super().find_class(module, name)
        if (module, name) == ('numpy', 'dtype'):
            return _DtypeOrObject(known)
        return _EmptyArray() if name == '_reconstruct' else known


class _EmptyArray:
    __slots__ = ()

    def __call__(self, *_: Any) -> np.ndarray:  # noqa: ANN401
        return _ArrayOfAny(0, np.int8)


class _ArrayOfAny(restricted_pickle.PlainArray):
    def __setstate__(self, state: tuple) -> None:
        _, shape, built, _, values = state
        # numpy reads as many objects as the shape says, however many there are
        if isinstance(built, _ObjectDtype) and not (
            isinstance(values, list)
            and all(type(side) is int and side >= 0 for side in shape)
            and math.prod(shape) == len(values)
        ):
            raise ValueError('it holds an array of objects whose shape is wrong')
        super().__setstate__(state)


class _DtypeOrObject:
    __slots__ = ('_plain',)

    def __init__(self, plain: Any) -> None:  # noqa: ANN401
        self._plain = plain

    def __call__(self, code: Any, *rest: Any) -> Any:  # noqa: ANN401
        return _ObjectDtype() if code in ('O', 'O8') else self._plain(code, *rest)


class _ObjectDtype:
    """Takes the place of a built dtype; its state (byte order, flags) changes nothing."""

    __slots__ = ()
    dtype = np.dtype(object)

    def __setstate__(self, state: tuple) -> None:
        if state[2:5] != (None, None, None):
            raise ValueError('it holds an array of structures')
