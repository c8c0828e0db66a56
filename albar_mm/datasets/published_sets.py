"""Reading SCUBA, SCUFO and Confl-FG sets as StillMix and ALBAR published them.

Both code bases pair SCUBA and SCUFO by position; here everything is keyed by ``<video>__<k>``.
"""

import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mmengine.logging import print_log

from ..annotations.video_lists import parse_line
from ..utils.errors import BadFileError, DatasetError
from ..utils.files import filled_lines, read_csv
from ..utils.numbers import class_index
from ..utils.text import name_some
from ..utils.video_ids import stem_of
from ..video.frame_files import IMAGE_SUFFIXES, zip_frame_names

FRAME_PATTERNS = ('frame{:06}.jpg', '{:06}.jpg')
_ID = re.compile(r'(?P<video>.+)__\d+')
_UCF101 = re.compile(r'v_(?P<name>.+?)_g\d+_c\d+')


def read_stillmix_set(
    frames: str | os.PathLike, list_file: str | os.PathLike, num_classes: int | None = None
) -> list[dict[str, Any]]:
    """Read folders of frames and their list.

    Args:
        frames: Folder of the folders ``<video>__<k>``, each with ``frame000001.jpg`` … or
            ``000001.jpg`` ….
        list_file: Rows ``<video>__<k> n_frames label``; a folder before the name (``val/`` in the
            Kinetics lists) may or may not exist on disk.
        num_classes: Number of classes, to check the labels.

    Returns:
        The items in the order of the list: ``pair_id`` (``<video>__<k>``), ``label``, ``filename``,
        ``filename_tmpl``, ``total_frames`` and ``first_index``.

    Raises:
        DatasetError: A row is malformed or comes twice, or frames are missing; names file and line.
    """
    frames, list_file = Path(frames), Path(list_file)
    if not frames.is_dir():
        raise DatasetError(f'{frames}: no such folder; name the folder of the <video>__<k> folders')
    items: dict[str, dict[str, Any]] = {}
    lines: dict[str, str] = {}
    for where, line in _rows(list_file):
        name, count, label = _stillmix_row(line, where, num_classes)
        item_id = name.rpartition('/')[2]
        if item_id in lines:
            raise BadFileError(f'{where}: id {item_id} came before, in {lines[item_id]}')
        lines[item_id] = where
        folder = frames / name if (frames / name).is_dir() else frames / item_id
        items[item_id] = dict(
            pair_id=item_id,
            label=label,
            filename=str(folder),
            filename_tmpl=_frame_pattern(folder, count, where),
            total_frames=count,
            first_index=1,
        )
    unlisted = [
        p.name
        for p in frames.iterdir()
        if p.is_dir() and _ID.fullmatch(p.name) and p.name not in items
    ]
    if unlisted:
        print_log(
            f'{frames}: {len(unlisted)} folder(s) are not in {list_file.name} and stay out: '
            f'{name_some(unlisted)}',
            'current',
            logging.WARNING,
        )
    return list(items.values())


def one_frame_of(item: dict[str, Any], seed: int, background: str) -> dict[str, Any]:
    """The SCUFO item of a SCUBA item: one of its frames, the same for the same seed.

    StillMix published no SCUFO; its code draws an unseeded frame in every run.

    Args:
        item: The SCUBA item.
        seed: Seed of the choice.
        background: Its background, so that the sets draw independently.
    """
    digest = hashlib.sha256(f'{seed}/{background}/{item["pair_id"]}'.encode()).digest()
    index = int.from_bytes(digest[:8], 'big') % item['total_frames']
    return dict(item, total_frames=1, first_index=item['first_index'] + index)


def read_albar_set(
    folder: str | os.PathLike, still: bool, label_of: Callable[[str], int]
) -> list[dict[str, Any]]:
    """Read a folder of ``<video>__<k>.zip`` (frames) or ``<video>__<k>.jpg`` (SCUFO).

    Args:
        folder: ``<root>/<DATASET>_<SET>_<BACKGROUND>``.
        still: Whether it is a SCUFO set.
        label_of: Class index by the name of the source video, without ending.

    Returns:
        The items, sorted by id, as :func:`read_stillmix_set` gives them, without
        ``filename_tmpl``.

    Raises:
        DatasetError: A file of another kind, two files of one id, a zip with a member that is no
            frame, or a video without label.
    """
    folder = Path(folder)
    suffixes = IMAGE_SUFFIXES if still else ('.zip',)
    items: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith('.'):
            continue
        match = _ID.fullmatch(path.stem)
        if path.suffix.lower() not in suffixes or match is None:
            raise DatasetError(
                f'{path}: expected only <video>__<k>{suffixes[0]} in this folder; move it elsewhere'
            )
        if path.stem in items:
            other = Path(items[path.stem]['filename']).name
            raise DatasetError(f'{folder}: {other} and {path.name} have one id; keep one of them')
        count = 1 if still else len(zip_frame_names(path))
        items[path.stem] = dict(
            pair_id=path.stem,
            label=label_of(match['video']),
            filename=str(path),
            total_frames=count,
            first_index=0,
        )
    if not items:
        raise DatasetError(f'{folder}: no <video>__<k>{suffixes[0]} in it')
    return list(items.values())


def read_labels(path: str | os.PathLike, num_classes: int | None = None) -> dict[str, int]:
    """Labels by source video from any of the lists in use.

    Args:
        path: A CSV file ``class,filename,label``, an annotation file ``path label``, or a list
            ``<video>__<k> n_frames label``.
        num_classes: Number of classes, to check the labels.

    Returns:
        File name without folder and ending (and ``__<k>``) -> class index.

    Raises:
        DatasetError: A row is malformed, or gives a video another label than an earlier one.
    """
    labels: dict[str, int] = {}
    table = os.fspath(path).lower().endswith('.csv')
    for where, name, label in _table_rows(path) if table else _list_rows(path):
        index, video = class_index(label, where, num_classes), stem_of(name)
        if labels.setdefault(video, index) != index:
            raise BadFileError(f'{where}: {video} has label {index}, but {labels[video]} before')
    return labels


def read_classes(path: str | os.PathLike) -> dict[str, int]:
    """Labels by class from a list of classes in the order of the labels.

    Args:
        path: Lines ``ApplyEyeMakeup`` or ``1 ApplyEyeMakeup``.

    Returns:
        Class -> class index.

    Raises:
        DatasetError: It cannot be read, or names a class twice.
    """
    names = [line.split()[-1] for _, line in _rows(path)]
    if len(set(names)) != len(names):
        raise BadFileError(f'{path}: expected one class per line, each once')
    return {name: label for label, name in enumerate(names)}


def ucf101_class(video: str) -> str:
    """Class of a UCF101 video: the text between ``v_`` and ``_gXX_cYY``.

    Args:
        video: Name of the video, without ending.

    Raises:
        DatasetError: It is no such name.
    """
    match = _UCF101.fullmatch(video)
    if match is None:
        raise DatasetError(f'{video}: no UCF101 name; expected v_<Class>_gXX_cYY')
    return match['name']


def _rows(path: str | os.PathLike) -> list[tuple[str, str]]:
    rows = list(filled_lines(path))
    if not rows:
        raise BadFileError(f'{path}: the list is empty')
    return rows


def _stillmix_row(line: str, where: str, num_classes: int | None) -> tuple[str, int, int]:
    rest, label = parse_line(line, where)
    name, count = parse_line(rest, where)
    path = PurePosixPath(name)
    if not _ID.fullmatch(path.name) or path.is_absolute() or '..' in path.parts:
        raise BadFileError(f"{where}: expected '<video>__<k> n_frames label', got {line!r}")
    if count < 1:
        raise BadFileError(f'{where}: {count} frames; expected 1 or more')
    return name, count, class_index(label, where, num_classes)


def _table_rows(path: str | os.PathLike) -> Iterator[tuple[str, str, str]]:
    for where, row in read_csv(path, ('class', 'filename', 'label'), header=False):
        if row['label'].isdecimal():
            yield where, row['filename'], row['label']
        elif row['label'].lower() != 'label':
            got = ','.join(row.values())
            raise BadFileError(f"{where}: expected 'class,filename,label', got {got!r}")


def _list_rows(path: str | os.PathLike) -> Iterator[tuple[str, str, int]]:
    for where, line in _rows(path):
        name, label = parse_line(line, where)
        head, _, count = name.rpartition(' ')
        match = _ID.fullmatch(head.rpartition('/')[2]) if count.isdecimal() else None
        yield where, match['video'] if match else name, label


def _frame_pattern(folder: Path, count: int, where: str) -> str:
    """How the frames of a folder are named, after checking that all of them are there."""
    if not folder.is_dir():
        raise DatasetError(f'{where}: no folder {folder}; unpack the set again')
    names = set(os.listdir(folder))
    pattern = next((p for p in FRAME_PATTERNS if p.format(1) in names), None)
    if pattern is None:
        tried = ' or '.join(p.format(1) for p in FRAME_PATTERNS)
        raise DatasetError(f'{where}: {folder} holds no {tried}; unpack the set again')
    missing = [n for n in range(1, count + 1) if pattern.format(n) not in names]
    if missing:
        raise DatasetError(
            f'{where}: {folder} lacks {len(missing)} of {count} frames, the first being '
            f'{pattern.format(missing[0])}; unpack the set again'
        )
    return pattern
