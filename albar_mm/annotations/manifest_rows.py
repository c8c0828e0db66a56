"""Writing what a built set consists of: ``manifest.jsonl`` and ``files.sha256``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..utils.errors import DatasetError
from ..utils.files import write_text
from .manifest import MANIFEST_NAME, read_manifest

HASHES_NAME = 'files.sha256'
"""Checksums of the exported files, as ``sha256sum -c`` reads them. They are kept out of the
manifest, which describes pixels and is the same for every encoding."""


def rows_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """The manifest, sorted by id; the same rows give the same text."""
    ordered = sorted(rows, key=lambda row: (row['video_id'], row['k']))
    return ''.join(json.dumps(row, separators=(', ', ': ')) + '\n' for row in ordered)


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
    write_text(folder / MANIFEST_NAME, rows_text(rows))


def read_rows(folder: Path, check_files: bool = False) -> list[dict[str, Any]]:
    """Read all entries of the rows of a set that this package built.

    Args:
        folder: Folder of the set.
        check_files: As for :func:`albar_mm.annotations.manifest.read_manifest`, which checks
            the rows.

    Raises:
        DatasetError: The manifest is missing or invalid, or was made by something else.
    """
    try:
        read_manifest(folder, check_files=check_files)
    except (FileNotFoundError, ValueError) as error:
        raise DatasetError(str(error)) from error
    lines = (folder / MANIFEST_NAME).read_text(encoding='utf-8').splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    needed = ('set', 'video_id', 'k', 'background', 'first', 'last', 'mask_sha256', 'generator')
    for number, row in enumerate(rows, 1):
        lacking = [key for key in needed if key not in row]
        if lacking:
            raise DatasetError(
                f'{folder / MANIFEST_NAME}, row {number}: no {", ".join(lacking)}; only sets made '
                'by tools/build_bias_benchmark.py can be rendered again'
            )
    return rows


def read_hashes(folder: Path) -> dict[str, str]:
    """Read ``files.sha256``: file -> SHA-256.

    Raises:
        DatasetError: It is missing or not of that form.
    """
    path = folder / HASHES_NAME
    if not path.is_file():
        raise DatasetError(f'{path} does not exist; build the set again')
    hashes = {}
    for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
        digest, separator, name = line.partition('  ')
        if not separator or len(digest) != 64:
            raise DatasetError(f"{path}, line {number}: expected '<sha256>  <file>'")
        hashes[name] = digest
    return hashes
