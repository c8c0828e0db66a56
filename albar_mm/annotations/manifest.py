"""Reading one set of a bias benchmark from disk: its folder and its ``manifest.jsonl``."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ..utils.text import name_some

MANIFEST_NAME = 'manifest.jsonl'
_ID = re.compile(r'(?P<video>.+)__(?P<k>\d+)')
_STILL_OR_ARCHIVE = {'.jpg', '.jpeg', '.png', '.bmp', '.webp', '.zip', '.tar', '.npz', '.npy'}


class ManifestItem(NamedTuple):
    """One OOD video of a set.

    Attributes:
        item_id: ``<video>__<k>``.
        filename: path of the video file.
        label: class index of the moving action.
        conflict_label: class index of the pasted still foreground, or None.
    """

    item_id: str
    filename: str
    label: int
    conflict_label: int | None


def find_set_folder(root: str | os.PathLike, dataset: str, set_name: str, background: str) -> Path:
    """Find ``<root>/<DATASET>_<SET>_<BACKGROUND>``, upper and lower case alike.

    Args:
        root: folder of the benchmark.
        dataset: e.g. ``'HMDB51'``.
        set_name: ``'SCUBA'``, ``'SCUFO'`` or ``'ConflFG'``.
        background: e.g. ``'Places365'``.

    Returns:
        The folder.

    Raises:
        FileNotFoundError: if there is none; names what the root holds.
        ValueError: if several folders differ by case only.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f'bias_root {root} is not a folder; generate the benchmark first')
    wanted = f'{dataset}_{set_name}_{background}'
    folders = [entry for entry in sorted(root.iterdir()) if entry.is_dir()]
    matches = [folder for folder in folders if folder.name.casefold() == wanted.casefold()]
    if not matches:
        present = name_some([folder.name for folder in folders]) or 'no folder'
        raise FileNotFoundError(f'{root} holds no folder {wanted}; it holds {present}')
    if len(matches) > 1:
        raise ValueError(f'{root}: {[m.name for m in matches]} differ by case only; keep one')
    return matches[0]


def read_manifest(
    folder: str | os.PathLike, num_classes: int | None = None, check_files: bool = True
) -> list[ManifestItem]:
    """Read and check the manifest of one set.

    A row is a JSON object with ``id`` (``<video>__<k>``), ``file`` (video file, relative to the
    folder), ``label``, ``video`` (source video), and for Confl-FG ``conflict_label``. Further keys
    (background, seed, generator, …) describe how the item was made and are not needed to read it.

    Args:
        folder: folder of the set.
        num_classes: number of classes, to check the labels.
        check_files: check that every file exists.

    Returns:
        The items in the order of the manifest, at least one.

    Raises:
        FileNotFoundError: if the manifest or a file it names does not exist.
        ValueError: for an invalid row (names file and line), a duplicate id, or an empty manifest.
    """
    folder = Path(folder)
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise FileNotFoundError(f'{path} does not exist; generate the set again')
    items: list[ManifestItem] = []
    lines_of_ids: dict[str, int] = {}
    with path.open(encoding='utf-8') as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            where = f'{path}, line {number}'
            item = _parse_row(line, where, folder, num_classes)
            if item.item_id in lines_of_ids:
                first = lines_of_ids[item.item_id]
                raise ValueError(f'{where}: id {item.item_id} is a duplicate of line {first}')
            lines_of_ids[item.item_id] = number
            items.append(item)
    if not items:
        raise ValueError(f'{path} lists no items')
    if check_files:
        missing = [item.filename for item in items if not os.path.isfile(item.filename)]
        if missing:
            names = name_some(os.path.relpath(name, folder) for name in missing)
            raise FileNotFoundError(
                f'{folder}: {len(missing)} of {len(items)} files named in {MANIFEST_NAME} do not '
                f'exist: {names}'
            )
    return items


def _parse_row(line: str, where: str, folder: Path, num_classes: int | None) -> ManifestItem:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f'{where}: not valid JSON ({error})') from error
    if not isinstance(row, dict):
        raise ValueError(f'{where}: expected a JSON object, got {type(row).__name__}')
    missing = [key for key in ('id', 'file', 'label', 'video') if key not in row]
    if missing:
        raise ValueError(f'{where}: required keys are missing: {", ".join(missing)}')
    if not isinstance(row['id'], str) or not _ID.fullmatch(row['id']):
        raise ValueError(f'{where}: id must read <video>__<k>, got {row["id"]!r}')
    label = _class_index(row, 'label', where, num_classes)
    conflict = None
    if row.get('conflict_label') is not None:
        conflict = _class_index(row, 'conflict_label', where, num_classes)
        if conflict == label:
            raise ValueError(f'{where}: conflict_label {conflict} must differ from label')
    return ManifestItem(row['id'], _video_path(row['file'], where, folder), label, conflict)


def _class_index(row: dict[str, Any], key: str, where: str, num_classes: int | None) -> int:
    value = row[key]
    upper = f'[0, {num_classes})' if num_classes is not None else '>= 0'
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or value < 0
        or (num_classes is not None and value >= num_classes)
    ):
        raise ValueError(f'{where}: {key} must be an integer {upper}, got {value!r}')
    return value


def _video_path(name: Any, where: str, folder: Path) -> str:
    if not isinstance(name, str) or not name:
        raise ValueError(f'{where}: file must be a path relative to the folder, got {name!r}')
    relative = PurePosixPath(name)
    if relative.is_absolute() or '..' in relative.parts:
        raise ValueError(f'{where}: file must lie inside the folder of the set, got {name!r}')
    if relative.suffix.lower() in _STILL_OR_ARCHIVE:
        raise ValueError(
            f'{where}: {name} is a still image or an archive of frames; only video files can be '
            'read so far, so store the item as a video (a SCUFO item as its frame repeated)'
        )
    return str(folder / relative)
