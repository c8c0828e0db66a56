"""One set of a bias benchmark on disk: its folder, ``manifest.jsonl`` and ``files.sha256``."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ..utils.errors import BadFileError, DatasetError, MissingFileError
from ..utils.files import read_json_lines, read_lines, write_text
from ..utils.numbers import frame_rate
from ..utils.rows import check_row
from ..utils.text import name_some
from ..utils.video_ids import check_id

MANIFEST_NAME = 'manifest.jsonl'
HASHES_NAME = 'files.sha256'
"""Checksums of the exported files, as ``sha256sum -c`` reads them. They are kept out of the
manifest, which describes pixels and is the same for every encoding."""
_ID = re.compile(r'(?P<video>.+)__(?P<k>\d+)')
_NUMBERS, _TEXTS = ('k', 'first', 'last'), ('set', 'video_id', 'background', 'mask_sha256')
_BUILT = {**dict.fromkeys(_NUMBERS, range(2**31)), **dict.fromkeys(_TEXTS, str), 'generator': str}
_RATES = {'kept_fps', 'source_fps'}
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

    Raises:
        MissingFileError: if there is none; names what the root holds.
        BadFileError: if several folders differ by case only.
    """
    root = Path(root)
    if not root.is_dir():
        raise MissingFileError(f'bias_root {root} is not a folder; generate the benchmark first')
    wanted = f'{dataset}_{set_name}_{background}'
    folders = [e for e in sorted(root.iterdir()) if e.is_dir() and not e.name.startswith('.')]
    matches = [folder for folder in folders if folder.name.casefold() == wanted.casefold()]
    if not matches:
        present = name_some([folder.name for folder in folders]) or 'no folder'
        raise MissingFileError(f'{root} holds no folder {wanted}; it holds {present}')
    if len(matches) > 1:
        raise BadFileError(f'{root}: {[m.name for m in matches]} differ by case only; keep one')
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
        MissingFileError: if the manifest or a file it names does not exist.
        BadFileError: for an invalid row (names file and line), a duplicate id, or no row at all.
    """
    folder = Path(folder)
    items = [item for item, _ in _entries(folder, num_classes)]
    missing = [item.filename for item in items if check_files and not os.path.isfile(item.filename)]
    if missing:
        why = name_some(os.path.relpath(name, folder) for name in missing)
        if len(missing) == len(items) and not (folder / HASHES_NAME).exists():
            why = 'a set of --encoding none has no videos; read it with OnTheFlyBenchmarkDataset'
        raise MissingFileError(
            f'{folder}: {len(missing)} of {len(items)} files named in {MANIFEST_NAME} do not '
            f'exist: {why}'
        )
    return items


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """Read all entries of the rows of a set that this package built.

    Raises:
        DatasetError: The manifest is missing or invalid, or was made by something else.
    """
    rows = [row for _, row in _entries(folder, None)]
    for number, row in enumerate(rows, 1):
        where = f'{folder / MANIFEST_NAME}, row {number}'
        try:
            check_row(row, where, _BUILT)
            check_id(row['video_id'], where)
            for key in _RATES & row.keys():
                frame_rate(row[key], f'{where}: {key}')
        except DatasetError as error:
            advice = 'only sets made by tools/build_bias_benchmark.py can be rendered again'
            raise BadFileError(f'{error}; {advice}') from error
    return rows


def _entries(folder: Path, num_classes: int | None) -> list[tuple[ManifestItem, dict[str, Any]]]:
    """Rows, checked, and what they say."""
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise MissingFileError(f'{path} does not exist; generate the set again')
    entries: dict[str, tuple[str, ManifestItem, dict[str, Any]]] = {}
    for where, row in read_json_lines(path):
        item = _item(row, where, folder, num_classes)
        first = entries.setdefault(item.item_id, (where, item, row))[0].rpartition(':')[2]
        if not where.endswith(f':{first}'):
            raise BadFileError(f'{where}: id {item.item_id} is a duplicate of line {first}')
    if not entries:
        raise BadFileError(f'{path} lists no items')
    return [(item, row) for _, item, row in entries.values()]


def _item(row: dict[str, Any], where: str, folder: Path, num_classes: int | None) -> ManifestItem:
    classes = range(2**31 if num_classes is None else num_classes)
    kinds = dict(id=str, file=str, label=classes, conflict_label=classes, video=object)
    check_row(row, where, kinds, optional=['conflict_label'])
    label, conflict, relative = row['label'], row.get('conflict_label'), PurePosixPath(row['file'])
    for wrong, text in (
        (not _ID.fullmatch(row['id']), f'id must read <video>__<k>, got {row["id"]!r}'),
        (conflict == label, f'conflict_label {conflict} must differ from label'),
        (
            relative.is_absolute() or '..' in relative.parts,
            f'file must lie inside the folder of the set, got {row["file"]!r}',
        ),
        (
            relative.suffix.lower() in _STILL_OR_ARCHIVE,
            f'{relative} is a still image or an archive of frames; only video files can be read '
            'so far, so store the item as a video (a SCUFO item as its frame repeated)',
        ),
    ):
        if wrong:
            raise BadFileError(f'{where}: {text}')
    return ManifestItem(row['id'], str(folder / relative), label, conflict)


def rows_digest(rows: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 of rows in the given order."""
    text = ''.join(json.dumps(row, sort_keys=True) for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()


def write_set(
    folder: Path, rows: Iterable[Mapping[str, Any]], hashes: Mapping[str, str] | None
) -> None:
    """Write the manifest of one set, last of all its files.

    Args:
        folder: Folder of the set.
        rows: Its rows.
        hashes: File below the folder -> SHA-256, or None where no videos were written.
    """
    if hashes is not None:
        lines = ''.join(f'{hashes[name]}  {name}\n' for name in sorted(hashes))
        write_text(folder / HASHES_NAME, lines)
    ordered = sorted(rows, key=lambda row: (row['video_id'], row['k']))
    write_text(folder / MANIFEST_NAME, ''.join(json.dumps(row) + '\n' for row in ordered))


def read_hashes(folder: Path) -> dict[str, str]:
    """Read ``files.sha256``: file -> SHA-256.

    Raises:
        DatasetError: It is missing or not of that form.
    """
    path = folder / HASHES_NAME
    if not path.is_file():
        raise MissingFileError(f'{path} does not exist; build the set again')
    hashes = {}
    for number, line in enumerate(read_lines(path), 1):
        digest, separator, name = line.partition('  ')
        if not separator or len(digest) != 64:
            raise BadFileError(f"{path}:{number}: expected '<sha256>  <file>'")
        hashes[name] = digest
    return hashes
