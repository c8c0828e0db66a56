"""``tools/downstream.py export`` and ``import``: what they do with their arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from albar_mm.utils.errors import DatasetError

from .command import INCOMPLETE
from .convert import export_features, import_features, layout_of
from .presets import sampling_of
from .store import FeatureStore
from .video_lengths import read_lengths
from .videos import read_list


def run_export(store: str, folder: str, layout: str, lists: Sequence[str] = ()) -> None:
    """Write a store's features as published code reads them; print what was done.

    Args:
        store: Folder of the store.
        folder: Where to write.
        layout: See :data:`~.convert.LAYOUTS`.
        lists: Lists of videos or of feature files; for each a list of the files that are written
            is made under the same name, in the same order.

    Raises:
        DatasetError: See :func:`~.convert.export_features`; a list cannot be read.
    """
    names: dict[str, list[str]] = {}
    for path in map(Path, lists):
        if path.name in names:
            raise DatasetError(f'{path}: a list of that name was given before')
        names[path.name] = _ids(path, layout_of(layout).suffix)
    for line in export_features(FeatureStore(store), folder, layout, names):
        print(line)


def run_import(
    folder: str,
    store: str,
    layout: str,
    lengths: str,
    *,
    fps: float | None = None,
    preset: str | None = None,
    sampling: Mapping[str, Any] | None = None,
    note: str = '',
    on_missing: str = 'fail',
) -> int:
    """Make a store of published features; print what was done.

    Args:
        folder: Where the features lie.
        store: Folder of the new store.
        layout: See :data:`~.convert.LAYOUTS`.
        lengths: See :func:`~.video_lengths.read_lengths`.
        fps: See there.
        preset: See :func:`~.presets.sampling_of`.
        sampling: Settings over those of the preset.
        note: Where the features are from.
        on_missing: See :func:`~.convert.import_features`.

    Returns:
        0, or :data:`~.command.INCOMPLETE` when listed videos have no features.

    Raises:
        LaunchError: Settings of the snippets that cannot be or are missing.
        DatasetError: See :func:`~.convert.import_features`.
    """
    snippets, _ = sampling_of(None, preset, **(sampling or {}))
    lines, missing = import_features(
        folder,
        store,
        layout,
        snippets,
        read_lengths(lengths, fps),
        note=note,
        on_missing=on_missing,
    )
    print('\n'.join(lines))
    return INCOMPLETE if missing else 0


def _ids(path: Path, suffix: str) -> list[str]:
    # lists that were written on Windows have its slashes
    names = [PurePosixPath(PureWindowsPath(name).as_posix()).stem for name in read_list(path)]
    return [name.removesuffix(suffix) for name in names]
