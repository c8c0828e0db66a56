"""A folder of features that knows how they were made."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from albar_mm.utils.arrays import read_npy
from albar_mm.utils.errors import DAMAGE, BadFileError, DatasetError, WriteError, writing
from albar_mm.utils.files import (
    read_json,
    read_json_lines,
    whole_file,
    write_json,
    write_json_lines,
    write_text,
)
from albar_mm.utils.identity import is_weights_sha256
from albar_mm.utils.rows import check_row
from albar_mm.utils.settings import plain, require_same
from albar_mm.utils.video_ids import check_id

from .time_grid import TimeGrid

if TYPE_CHECKING:
    from torch import nn

FORMAT = 1
SETTINGS_FILE, FAILED_FILE = 'store.json', 'failed.jsonl'
FORMER_DECODERS = ('decord', 'opencv')
"""Decoders of earlier versions: stores that were made with them are read, but not extended."""
_OPTIONAL = ('encoder', 'sampling')
_NOT_COMPARED = ('decoder_version', 'made_with')


def check_name(name: str, where: str | os.PathLike) -> str:
    """Check that a store can hold a video of that name.

    Args:
        name: Id of the video.
        where: What names it, for the message.

    Raises:
        DatasetError: No file can be called so, or the store has another use for the name.
    """
    if f'{name}.json' == SETTINGS_FILE:
        raise DatasetError(f'{where}: the store has another use for the name {name!r}; rename it')
    return check_id(name, os.fspath(where))


class FeatureStore:
    """Features of many videos, made in one way.

    The folder holds ``store.json`` (the settings), and for every video ``<id>.npy`` (shape
    ``(T, C)``, or ``(T, crops, C)`` for several crops; float32 or float16) and ``<id>.json`` (the
    time grid and what the source video was). A video is there when its ``.json`` is: it is written
    after the array, and both appear whole. Several processes may write to one store.

    Args:
        root: The folder, which must be a store; see :meth:`create`.

    Raises:
        DatasetError: It is none, or its ``store.json`` is broken.
    """

    def __init__(self, root: str | os.PathLike) -> None:
        self.root = Path(root)
        path = self.root / SETTINGS_FILE
        if not path.is_file():
            raise DatasetError(f'{self.root}: is no feature store: it has no {SETTINGS_FILE}')
        with _sound(path, 'make the store anew'):
            self.settings: dict[str, Any] = read_json(path)
            check_row(self.settings, path, dict(encoder=dict, sampling=dict), _OPTIONAL)
            if self.settings['format'] != FORMAT:
                raise ValueError(f'format {self.settings["format"]}, this version reads {FORMAT}')

    @classmethod
    def create(
        cls, root: str | os.PathLike, settings: Mapping[str, Any], model: nn.Module | None = None
    ) -> FeatureStore:
        """Open a store for writing; it is made if it is not there.

        Args:
            root: The folder.
            settings: All that the features depend on, as plain JSON.
            model: The network whose weights they name, to know them by the digest of an earlier
                version too.

        Raises:
            DatasetError: It was made with other settings, the folder holds something else, or it
                cannot be written to.
        """
        root, wanted = Path(root), plain(dict(format=FORMAT, **settings))
        path = root / SETTINGS_FILE
        with writing(root):
            root.mkdir(parents=True, exist_ok=True)
            others = [each.name for each in root.iterdir() if not each.name.startswith('.')]
            if others and not path.exists():
                raise DatasetError(
                    f'{root}: holds other files, as {others[0]}, and no {SETTINGS_FILE}; '
                    'name an empty folder'
                )
        if not path.exists():
            with _locked(root):
                if not path.exists():  # another process may have been faster
                    write_text(path, json.dumps(wanted, indent=1) + '\n')
        store = cls(root)
        store._require(wanted, model)
        return store

    def __len__(self) -> int:
        return len(self.ids())

    def __contains__(self, video_id: str) -> bool:
        return self._info_path(video_id).is_file()

    def ids(self) -> list[str]:
        """Videos that are there, sorted."""
        return sorted(
            path.name.removesuffix('.json')
            for path in self.root.glob('*.json')
            if path.name != SETTINGS_FILE and not path.name.startswith('.')  # being written
        )

    def load(self, video_id: str, mmap: bool = False) -> np.ndarray:
        """Features of a video.

        Args:
            video_id: Its name in the store.
            mmap: Leave the array on the disk until it is used.

        Returns:
            Shape (T, C), or (T, crops, C).

        Raises:
            DatasetError: It is not there, is broken, or is not as long as its time grid.
        """
        snippets, path = self.grid(video_id).num_snippets, self.root / f'{video_id}.npy'
        with _sound(path, f'delete {video_id}.json beside it and extract again'):
            array = read_npy(path, mmap)
            if array.ndim not in (2, 3) or len(array) != snippets:
                raise ValueError(
                    f'shape {array.shape}; expected {snippets} snippets of (C,) or (crops, C)'
                )
        return array

    def info(self, video_id: str) -> dict[str, Any]:
        """What is known of a video: the keys of its time grid, and ``source``.

        Raises:
            DatasetError: It is not there, or broken.
        """
        path = self._info_path(video_id)
        if not path.is_file():
            raise DatasetError(f'{self.root}: has no video {video_id!r}; it has {len(self)} videos')
        with _sound(path, 'delete it and extract again'):
            info = read_json(path)
            TimeGrid.from_json(info)
        return info

    def grid(self, video_id: str) -> TimeGrid:
        """Time grid of a video.

        Raises:
            DatasetError: It is not there, or broken.
        """
        return TimeGrid.from_json(self.info(video_id))

    def writer(self, video_id: str) -> SnippetWriter:
        """Write the features of a video, snippet by snippet."""
        return SnippetWriter(self, video_id)

    def put(
        self,
        video_id: str,
        features: np.ndarray,
        grid: TimeGrid,
        source: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the features of a video at once: shape (T, C), or (T, crops, C).

        For the rest see :meth:`SnippetWriter.finish`.
        """
        with self.writer(video_id) as writer:
            writer.append(features)
            writer.finish(grid, source)

    def failed(self) -> list[dict[str, Any]]:
        """Rows of ``failed.jsonl``: videos that were left out, with ``video`` and ``reason``.

        Raises:
            DatasetError: It is broken.
        """
        path = self.root / FAILED_FILE
        rows = []
        with _sound(path, 'delete it: the next run writes it anew'):
            for where, row in read_json_lines(path) if path.exists() else ():
                check_row(row, where, dict(video=str))
                rows.append(row)
        return rows

    def note_failed(self, rows: Sequence[Mapping[str, Any]], tried: Sequence[str]) -> None:
        """Bring ``failed.jsonl`` up to date.

        Args:
            rows: Videos that could not be read: ``video`` (id), ``path`` and ``reason``.
            tried: Ids of all videos of this run; what an earlier run said of them is dropped.
        """
        with _locked(self.root):
            kept = [row for row in self.failed() if row['video'] not in set(tried)]
            path = self.root / FAILED_FILE
            if kept or rows or path.exists():
                write_json_lines(path, sorted((*kept, *rows), key=lambda row: row['video']))

    def _info_path(self, video_id: str) -> Path:
        return self.root / f'{check_name(video_id, self.root)}.json'

    def _require(self, wanted: dict[str, Any], model: nn.Module | None) -> None:
        """Refuse settings that are not those of the store."""
        decoder = self.settings.get('decoder')
        if decoder in FORMER_DECODERS and wanted.get('decoder') != decoder:
            raise DatasetError(
                f'{self.root}: was made with decoder {decoder}, which features are no longer read '
                'with: it can be used as before, but not extended; make the store anew in another '
                'folder, with pyav'
            )
        encoder, found = (each.get('encoder') or {} for each in (wanted, self.settings))
        digest = found.get('weights_sha256')
        if model is not None and digest != encoder.get('weights_sha256'):
            if is_weights_sha256(digest, model):
                wanted['encoder'] = dict(encoder, weights_sha256=digest)
        compared = {**dict.fromkeys(self.settings), **wanted}
        for name in _NOT_COMPARED:
            compared.pop(name, None)
        advice = f'name another folder, or run with the settings of {SETTINGS_FILE}'
        require_same(self.root, self.settings, compared, advice)


class SnippetWriter(AbstractContextManager):
    """Writes the features of one video; nothing is visible until :meth:`finish`.

    Rows go to the disk as they come, so that a long video takes no memory. A context manager; left
    without :meth:`finish`, it leaves nothing behind.

    Args:
        store: The store.
        video_id: Name of the video there.
    """

    def __init__(self, store: FeatureStore, video_id: str) -> None:
        self.store, self.video_id, self.rows = store, video_id, 0
        self._shape: tuple[int, ...] | None = None
        self._dtype = np.dtype(store.settings.get('dtype', 'float32'))
        self._path = store._info_path(video_id).with_suffix('.npy')
        self._open = ExitStack()
        part = self._open.enter_context(whole_file(self._path))
        self._stream = self._open.enter_context(part.open('wb'))

    def append(self, rows: np.ndarray) -> None:
        """Add snippets, shape (n, C), or (n, crops, C).

        Raises:
            ValueError: Another shape than before.
            WriteError: The disk is full, or cannot be written to.
        """
        with writing(self._path):
            if self._shape is None:
                self._shape = rows.shape[1:]
                self._write_header()
            if rows.shape[1:] != self._shape:
                raise ValueError(f'snippets of shape {rows.shape[1:]} after {self._shape}')
            self._stream.write(np.ascontiguousarray(rows, self._dtype).tobytes())
        self.rows += len(rows)

    def finish(self, grid: TimeGrid, source: Mapping[str, Any] | None = None) -> None:
        """Make the video visible.

        Args:
            grid: Its time grid.
            source: What the video was, as plain JSON.

        Raises:
            DatasetError: There are more or fewer snippets than the grid says.
            WriteError: The disk is full, or cannot be written to.
        """
        if self.rows != grid.num_snippets:
            raise DatasetError(
                f'video {self.video_id}: {self.rows} snippets, but its time grid '
                f'has {grid.num_snippets}'
            )
        with writing(self._path):
            self._stream.seek(0)
            self._write_header()
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._open.close()
        row = dict(grid.to_json(), **({} if source is None else dict(source=dict(source))))
        try:
            write_json(self.store._info_path(self.video_id), row)
        except WriteError:
            self._path.unlink(missing_ok=True)
            raise

    def abort(self) -> None:
        """Leave nothing behind of a video that is not finished."""
        with suppress(OSError):  # of a full disk, which was told of
            self._open.__exit__(GeneratorExit, GeneratorExit(), None)

    def _write_header(self) -> None:
        """Header of the .npy file; NumPy leaves room in it for any number of rows."""
        description, shape = np.lib.format.dtype_to_descr(self._dtype), (self.rows, *self._shape)
        header = dict(descr=description, fortran_order=False, shape=shape)
        np.lib.format.write_array_header_1_0(self._stream, header)

    def __exit__(self, *_: object) -> None:
        self.abort()


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    with writing(root), (root / '.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _sound(path: Path, advice: str) -> Iterator[None]:
    """Say what to do with a file that is not as it was written."""
    try:
        yield
    except (DatasetError, *DAMAGE) as error:
        reason = str(error).removeprefix(f'{path}: ')
        raise BadFileError(f'{path} is broken ({reason}); {advice}') from error
