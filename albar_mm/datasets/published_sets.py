"""Reading SCUBA, SCUFO and Confl-FG sets as StillMix and ALBAR published them.

Both code bases pair SCUBA and SCUFO by position; here everything is keyed by ``<video>__<k>``.
"""

from __future__ import annotations

import csv
import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from mmengine.logging import print_log

from ..annotations.video_lists import parse_line
from ..utils.errors import DatasetError
from ..utils.text import name_some
from ..video.frame_files import IMAGE_SUFFIXES, zip_frame_names

FRAME_PATTERNS = ('frame{:06}.jpg', '{:06}.jpg')
_ID = re.compile(r'(?P<video>.+)__\d+')
_UCF101 = re.compile(r'v_(?P<name>.+?)_g\d+_c\d+')
_VIDEO_SUFFIXES = ('.avi', '.mp4', '.mkv', '.webm', '.mov')


class PublishedItem(NamedTuple):
    """One OOD video.

    Attributes:
        item_id: ``<video>__<k>``.
        label: Class index of the moving action.
        fields: What the pipeline needs: ``filename`` (folder, zip or image), ``total_frames``,
            ``first_index`` and, for a folder, ``filename_tmpl``.
    """

    item_id: str
    label: int
    fields: dict[str, Any]


def read_stillmix_set(
    frames: str | os.PathLike, list_file: str | os.PathLike, num_classes: int | None = None
) -> list[PublishedItem]:
    """Read folders of frames and their list.

    Args:
        frames: Folder of the folders ``<video>__<k>``, each with ``frame000001.jpg`` … or
            ``000001.jpg`` ….
        list_file: Rows ``<video>__<k> n_frames label``; a folder before the name (``val/`` in the
            Kinetics lists) may or may not exist on disk.
        num_classes: Number of classes, to check the labels.

    Returns:
        The items in the order of the list.

    Raises:
        DatasetError: A row is malformed or comes twice, or frames are missing; names file and line.
    """
    frames, list_file = Path(frames), Path(list_file)
    if not frames.is_dir():
        raise DatasetError(f'{frames}: no such folder; name the folder of the <video>__<k> folders')
    items: list[PublishedItem] = []
    lines: dict[str, str] = {}
    for where, line in _lines(list_file):
        name, count, label = _stillmix_row(line, where, num_classes)
        item_id = name.rpartition('/')[2]
        if item_id in lines:
            raise DatasetError(f'{where}: id {item_id} came before, in {lines[item_id]}')
        lines[item_id] = where
        folder = frames / name if (frames / name).is_dir() else frames / item_id
        pattern = _frame_pattern(folder, count, where)
        items.append(
            PublishedItem(
                item_id,
                label,
                dict(
                    filename=str(folder),
                    filename_tmpl=pattern,
                    total_frames=count,
                    first_index=1,
                ),
            )
        )
    listed = {Path(item.fields['filename']).name for item in items}
    unlisted = [
        p.name
        for p in frames.iterdir()
        if p.is_dir() and _ID.fullmatch(p.name) and p.name not in listed
    ]
    if unlisted:
        print_log(
            f'{frames}: {len(unlisted)} folder(s) are not in {list_file.name} and stay out: '
            f'{name_some(unlisted)}',
            'current',
            logging.WARNING,
        )
    return items


def one_frame_of(item: PublishedItem, seed: int, background: str) -> PublishedItem:
    """The SCUFO item of a SCUBA item: one of its frames, the same for the same seed.

    StillMix published no SCUFO; its code draws an unseeded frame in every run.

    Args:
        item: The SCUBA item.
        seed: Seed of the choice.
        background: Its background, so that the sets draw independently.
    """
    digest = hashlib.sha256(f'{seed}/{background}/{item.item_id}'.encode()).digest()
    index = int.from_bytes(digest[:8], 'big') % item.fields['total_frames']
    fields = dict(item.fields, total_frames=1, first_index=item.fields['first_index'] + index)
    return item._replace(fields=fields)


def read_albar_set(
    folder: str | os.PathLike, still: bool, label_of: Callable[[str], int]
) -> list[PublishedItem]:
    """Read a folder of ``<video>__<k>.zip`` (frames) or ``<video>__<k>.jpg`` (SCUFO).

    Args:
        folder: ``<root>/<DATASET>_<SET>_<BACKGROUND>``.
        still: Whether it is a SCUFO set.
        label_of: Class index by the name of the source video, without ending.

    Returns:
        The items, sorted by id.

    Raises:
        DatasetError: A file of another kind, two files of one id, a zip with a member that is no
            frame, or a video without label.
    """
    folder = Path(folder)
    suffixes = IMAGE_SUFFIXES if still else ('.zip',)
    items: dict[str, PublishedItem] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith('.'):
            continue
        match = _ID.fullmatch(path.stem)
        if path.suffix.lower() not in suffixes or match is None:
            raise DatasetError(
                f'{path}: expected only <video>__<k>{suffixes[0]} in this folder; move it elsewhere'
            )
        if path.stem in items:
            other = Path(items[path.stem].fields['filename']).name
            raise DatasetError(f'{folder}: {other} and {path.name} have one id; keep one of them')
        count = 1 if still else len(zip_frame_names(path))
        items[path.stem] = PublishedItem(
            path.stem,
            label_of(match['video']),
            dict(
                filename=str(path),
                total_frames=count,
                first_index=0,
            ),
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
    for where, line in _lines(Path(path)):
        name, label = _label_row(Path(path), line, where)
        if name is None:
            continue
        _check_label(label, where, num_classes)
        video = _video(name)
        if labels.setdefault(video, label) != label:
            raise DatasetError(f'{where}: {video} has label {label}, but {labels[video]} before')
    return labels


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


def look_up(labels: Mapping[str, int], source: str) -> Callable[[str], int]:
    """A function that gives the label of a video and says where it looked.

    Args:
        labels: Class index by name.
        source: Where the labels come from.
    """

    def label_of(name: str) -> int:
        if name not in labels:
            raise DatasetError(f'{source}: no label for {name}; name the list that the set is of')
        return labels[name]

    return label_of


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        text = path.read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f'{path}: cannot be read as a list: {error}') from error
    rows = [(f'{path}:{n}', line.strip()) for n, line in enumerate(text.splitlines(), 1)]
    rows = [row for row in rows if row[1]]
    if not rows:
        raise DatasetError(f'{path}: the list is empty')
    yield from rows


def _stillmix_row(line: str, where: str, num_classes: int | None) -> tuple[str, int, int]:
    rest, label = parse_line(line, where)
    name, count = parse_line(rest, where)
    path = PurePosixPath(name)
    if not _ID.fullmatch(path.name) or path.is_absolute() or '..' in path.parts:
        raise DatasetError(f"{where}: expected '<video>__<k> n_frames label', got {line!r}")
    if count < 1:
        raise DatasetError(f'{where}: {count} frames; expected 1 or more')
    _check_label(label, where, num_classes)
    return name, count, label


def _label_row(path: Path, line: str, where: str) -> tuple[str | None, int]:
    if path.suffix.lower() == '.csv':
        row = [cell.strip() for cell in next(csv.reader([line]))]
        if len(row) != 3 or not (row[2].isdecimal() or row[2].lower() == 'label'):
            raise DatasetError(f"{where}: expected 'class,filename,label', got {line!r}")
        return (row[1], int(row[2])) if row[2].isdecimal() else (None, 0)
    name, label = parse_line(line, where)
    head, _, count = name.rpartition(' ')
    match = _ID.fullmatch(head.rpartition('/')[2]) if count.isdecimal() else None
    return (match['video'] if match else name), label


def _check_label(label: int, where: str, num_classes: int | None) -> None:
    upper = num_classes if num_classes is not None else float('inf')
    if not 0 <= label < upper:
        raise DatasetError(f'{where}: expected a label in [0, {upper}), got {label}')


def _video(name: str) -> str:
    name = name.replace('\\', '/').rpartition('/')[2]
    stem, ending = os.path.splitext(name)
    return stem if ending.lower() in _VIDEO_SUFFIXES else name


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
