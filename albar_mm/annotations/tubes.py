"""Readers of box files: the two layouts of the UCF101-24 annotation, and plain text.

Pickle ``{'gttubes': {video: {class index: [rows]}}, 'labels': [names]}`` with rows
``frame, x1, y1, x2, y2`` and frames from 1 (Kalogeiton et al., action tubelet detector), or
``{video: {'annotations': [{'label', 'sf', 'ef', 'boxes'}], ...}}`` with boxes ``x, y, w, h`` of the
frames ``sf`` to ``ef`` - 1 from 0 (Singh et al., corrected UCF101-24 annotation). Both become
``x1, y1, x2, y2`` with ``x2 = x + w``.

Text: one box a line, ``video frame x1 y1 x2 y2``; frames count from 1, coordinates are in px,
``x2`` and ``y2`` exclusive. A video may be written with its class as ``class/video``. Blank lines
and lines that begin with ``#`` are skipped. Boxes of consecutive frames that overlap are taken for
one actor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.errors import BadFileError, reading
from ..utils.files import filled_lines
from ..utils.safe_pickle import load_restricted

UCF101_24_CLASSES = tuple(
    """
    Basketball BasketballDunk Biking CliffDiving CricketBowling Diving Fencing FloorGymnastics
    GolfSwing HorseRiding IceDancing LongJump PoleVault RopeClimbing SalsaSpin SkateBoarding Skiing
    Skijet SoccerJuggling Surfing TennisSwing TrampolineJumping VolleyballSpiking WalkingWithDog
    """.split()
)
"""Class names of the corrected annotation, which stores indices alone."""
FRAME_SLACK = 3
"""Decoders differ by a frame or so about the end of a video; boxes that far beyond are dropped."""
SAME_ACTOR_IOU = 0.3
"""Overlap from which boxes of consecutive frames of a text file are taken for one actor."""


@dataclass(frozen=True, eq=False)
class Tube:
    """Boxes of one actor.

    Attributes:
        frames: int64 (n,), n >= 1, frame numbers from 0, rising.
        boxes: (n, 4) of x1, y1, x2, y2 in px, x1 < x2 and y1 < y2.
        class_name: Class of the action, where the file tells.
    """

    frames: np.ndarray
    boxes: np.ndarray
    class_name: str | None = None


def read_boxes(path: Path) -> dict[str, tuple[Tube, ...]]:
    """Read a file of boxes; ``.pkl`` and ``.pickle`` as a restricted pickle, all else as text.

    Returns:
        Name of a video as the file has it -> its tubes in the order of the file.

    Raises:
        DatasetError: It cannot be read, or a box in it is none; names the place.
    """
    if path.suffix.lower() not in ('.pkl', '.pickle'):
        return _read_text(path)
    return annotated_tubes(load_restricted(path), path)


def is_annotation(content: object) -> bool:
    """Whether a pickled object is one of the layouts of the UCF101-24 annotation."""
    if not isinstance(content, dict) or not content:
        return False
    first = next(iter(content.values()))
    return 'gttubes' in content or (isinstance(first, dict) and 'annotations' in first)


def annotated_tubes(content: Any, path: Path) -> dict[str, tuple[Tube, ...]]:
    """Take the UCF101-24 annotation apart, in either layout.

    Raises:
        DatasetError: As :func:`read_boxes`.
    """
    if not isinstance(content, dict):
        raise BadFileError(f'{path}: expected a dict of annotations, got {type(content).__name__}')
    layouts = 'either layout of the UCF101-24 annotation (gttubes, or annotations by video)'
    with reading(path, layouts):
        read = _read_gttubes if 'gttubes' in content else _read_pyannot
        return read(content, path)


def _read_gttubes(content: Mapping[str, Any], path: Path) -> dict[str, tuple[Tube, ...]]:
    labels = [str(name) for name in content['labels']]
    return {
        str(video): tuple(
            _tube(rows[:, 0] - 1, rows[:, 1:], labels[int(label)], f'{path}: {video}')
            for label, tubes in by_label.items()
            for rows in (np.asarray(tube, dtype=np.float64).reshape(-1, 5) for tube in tubes)
        )
        for video, by_label in content['gttubes'].items()
    }


def _read_pyannot(content: Mapping[str, Any], path: Path) -> dict[str, tuple[Tube, ...]]:
    known = {}
    for video, entry in content.items():
        tubes = []
        for tube in entry['annotations']:
            where = f'{path}: {video}'
            # stored as uint8 where x and w fit in it, though their sum may not
            boxes = np.asarray(tube['boxes'], dtype=np.float64).reshape(-1, 4)
            first, end = int(tube['sf']), int(tube['ef'])
            if end - first != len(boxes):
                raise BadFileError(
                    f'{where}: a tube has {len(boxes)} boxes for the {end - first} frames from '
                    f'{tube["sf"]} to {tube["ef"]}'
                )
            label = int(tube['label'])
            if not 0 <= label < len(UCF101_24_CLASSES):
                raise BadFileError(f'{where}: class {label}; expected 0 to 23')
            corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
            tubes.append(_tube(np.arange(first, end), corners, UCF101_24_CLASSES[label], where))
        known[str(video)] = tuple(tubes)
    return known


def _read_text(path: Path) -> dict[str, tuple[Tube, ...]]:
    rows: dict[str, list[list[float]]] = {}
    for where, line in filled_lines(path):
        if line.startswith('#'):
            continue
        parts = line.rsplit(maxsplit=5)  # the name of a video may hold blanks
        try:
            video, frame, *box = parts[0], int(parts[1]), *map(float, parts[2:])
            if len(box) != 4:
                raise ValueError(f'{len(parts)} fields')
        except (ValueError, IndexError) as error:
            raise BadFileError(
                f"{where}: expected 'video frame x1 y1 x2 y2', got {line!r} ({error})"
            ) from error
        _tube(np.array([frame - 1]), np.array([box]), None, where)
        rows.setdefault(video.strip(), []).append([frame - 1, *box])
    if not rows:
        raise BadFileError(f'{path}: holds no boxes')
    return {video: _link(np.array(boxes)) for video, boxes in rows.items()}


def _link(rows: np.ndarray) -> tuple[Tube, ...]:
    """Join rows frame, x1, y1, x2, y2 to tubes: the best overlaps between two frames first."""
    tubes: list[list[np.ndarray]] = []
    for frame in np.unique(rows[:, 0]):
        boxes = rows[rows[:, 0] == frame]
        open_tubes = [tube for tube in tubes if tube[-1][0] == frame - 1]
        pairs = sorted(
            (
                (-_iou(tube[-1][1:], box[1:]), i, j)
                for i, tube in enumerate(open_tubes)
                for j, box in enumerate(boxes)
            )
        )
        taken_tubes, taken_boxes = set(), set()
        for negative, i, j in pairs:
            if -negative >= SAME_ACTOR_IOU and i not in taken_tubes and j not in taken_boxes:
                taken_tubes.add(i)
                taken_boxes.add(j)
                open_tubes[i].append(boxes[j])
        tubes += [[box] for j, box in enumerate(boxes) if j not in taken_boxes]
    stacked = [np.stack(tube) for tube in tubes]
    return tuple(Tube(tube[:, 0].astype(np.int64), tube[:, 1:]) for tube in stacked)


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    overlap = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(overlap / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - overlap))


def _tube(frames: np.ndarray, boxes: np.ndarray, class_name: str | None, where: str) -> Tube:
    numbers = np.asarray(frames, dtype=np.float64)
    if not len(numbers):
        raise BadFileError(f'{where}: a tube without boxes')
    if not np.isfinite(numbers).all() or (numbers < 0).any() or (numbers % 1).any():
        raise BadFileError(f'{where}: frame numbers must be whole and start at the first frame')
    if (np.diff(numbers) <= 0).any():
        order = np.argsort(numbers, kind='stable')
        numbers, boxes = numbers[order], boxes[order]
        if (np.diff(numbers) == 0).any():
            raise BadFileError(f'{where}: a tube has two boxes in one frame')
    sound = np.isfinite(boxes).all(1) & (boxes[:, 0] < boxes[:, 2]) & (boxes[:, 1] < boxes[:, 3])
    if not sound.all():
        bad = int(np.flatnonzero(~sound)[0])
        raise BadFileError(
            f'{where}: frame {int(numbers[bad]) + 1}: the box {boxes[bad].tolist()} is empty; '
            'expected x1 < x2 and y1 < y2'
        )
    return Tube(numbers.astype(np.int64), boxes, class_name)
