"""A folder of features that knows how they were made."""

from __future__ import annotations

import fcntl
import io
import json
import os
import socket
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import write_text

from .time_grid import TimeGrid

FORMAT = 1
SETTINGS_FILE, FAILED_FILE = 'store.json', 'failed.jsonl'
DTYPES = ('float32', 'float16')
_NOT_COMPARED = ('decoder_version', 'made_with')


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
        try:
            self.settings: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
            if self.settings['format'] != FORMAT:
                raise ValueError(f'format {self.settings["format"]}, this version reads {FORMAT}')
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(f'{path} is broken ({error}); make the store anew') from error

    @classmethod
    def create(cls, root: str | os.PathLike, settings: Mapping[str, Any]) -> FeatureStore:
        """Open a store for writing; it is made if it is not there.

        Args:
            root: The folder.
            settings: All that the features depend on, as plain JSON.

        Raises:
            DatasetError: It was made with other settings, the folder holds something else, or it
                cannot be written to.
        """
        root = Path(root)
        wanted = json.loads(json.dumps(dict(format=FORMAT, **settings)))
        try:
            root.mkdir(parents=True, exist_ok=True)
            if not (root / SETTINGS_FILE).exists():
                others = [path.name for path in root.iterdir() if not path.name.startswith('.')]
                if others:
                    raise DatasetError(
                        f'{root}: holds other files, as {others[0]}, and no '
                        f'{SETTINGS_FILE}; name an empty folder'
                    )
                _write_once(root / SETTINGS_FILE, json.dumps(wanted, indent=1) + '\n')
        except OSError as error:
            raise DatasetError(
                f'{root}: cannot be written: {error.strerror or error}; free space, '
                'or name another folder'
            ) from error
        store = cls(root)
        differing = list(_differences(store.settings, wanted))
        if differing:
            raise DatasetError(
                f'{root}: is a store of other features ({"; ".join(differing)}); '
                'name another folder, or run with the settings of '
                f'{SETTINGS_FILE}'
            )
        store._remove_leftovers()
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
            if path.name != SETTINGS_FILE
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
        grid, path = self.grid(video_id), self.root / f'{video_id}.npy'
        try:
            array = np.load(path, mmap_mode='r' if mmap else None, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DatasetError(
                f'{path}: cannot be read: {error}; delete {video_id}.json beside it '
                'and extract again'
            ) from error
        if array.ndim not in (2, 3) or len(array) != grid.num_snippets:
            raise DatasetError(
                f'{path}: shape {array.shape}; expected {grid.num_snippets} '
                'snippets of (C,) or (crops, C)'
            )
        return array

    def info(self, video_id: str) -> dict[str, Any]:
        """What is known of a video: the keys of its time grid, and ``source``.

        Args:
            video_id: Its name in the store.

        Raises:
            DatasetError: It is not there, or broken.
        """
        path = self._info_path(video_id)
        try:
            return json.loads(path.read_text(encoding='utf-8'))
        except FileNotFoundError as error:
            raise DatasetError(
                f'{self.root}: has no video {video_id!r}; it has {len(self)} videos'
            ) from error
        except (OSError, ValueError) as error:
            raise DatasetError(
                f'{path} is broken ({error}); delete it and extract again'
            ) from error

    def grid(self, video_id: str) -> TimeGrid:
        """Time grid of a video.

        Args:
            video_id: Its name in the store.

        Raises:
            DatasetError: It is not there, or broken.
        """
        info = self.info(video_id)
        try:
            return TimeGrid.from_json(info)
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(
                f'{self._info_path(video_id)} is broken ({error}); delete it and extract again'
            ) from error

    def writer(self, video_id: str) -> SnippetWriter:
        """Write the features of a video, snippet by snippet.

        Args:
            video_id: Name of the video.
        """
        return SnippetWriter(self, video_id)

    def put(
        self,
        video_id: str,
        features: np.ndarray,
        grid: TimeGrid,
        source: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the features of a video at once.

        Args:
            video_id: Name of the video.
            features: Shape (T, C), or (T, crops, C).
            grid: Its time grid.
            source: What the video was, as plain JSON.

        Raises:
            DatasetError: See :meth:`SnippetWriter.finish`.
        """
        with self.writer(video_id) as writer:
            writer.append(features)
            writer.finish(grid, source)

    def failed(self) -> list[dict[str, Any]]:
        """Rows of ``failed.jsonl``: videos that were left out, with ``video`` and ``reason``."""
        path = self.root / FAILED_FILE
        if not path.is_file():
            return []
        return [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines() if line]

    def note_failed(self, rows: Sequence[Mapping[str, Any]], tried: Sequence[str]) -> None:
        """Bring ``failed.jsonl`` up to date.

        Args:
            rows: Videos that could not be read: ``video`` (id), ``path`` and ``reason``.
            tried: Ids of all videos of this run; what an earlier run said of them is dropped.
        """
        with self._locked():
            kept = [row for row in self.failed() if row['video'] not in set(tried)]
            lines = sorted((*kept, *rows), key=lambda row: row['video'])
            path = self.root / FAILED_FILE
            if lines or path.exists():
                write_text(
                    path, ''.join(json.dumps(row, ensure_ascii=False) + '\n' for row in lines)
                )

    def _info_path(self, video_id: str) -> Path:
        return self.root / f'{video_id}.json'

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.root / '.lock').open('w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _remove_leftovers(self) -> None:
        """Delete what processes that were killed had begun; those that run hold their file."""
        for path in self.root.glob('.*.part'):
            try:
                with path.open('rb') as stream:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink(missing_ok=True)
            except OSError:
                continue


class SnippetWriter:
    """Writes the features of one video; nothing is visible until :meth:`finish`.

    Rows go to the disk as they come, so that a long video takes no memory. A context manager; left
    without :meth:`finish`, it leaves nothing behind.

    Args:
        store: The store.
        video_id: Name of the video.
    """

    def __init__(self, store: FeatureStore, video_id: str) -> None:
        self.store, self.video_id = store, video_id
        self.rows = 0
        self._shape: tuple[int, ...] | None = None
        self._dtype = np.dtype(store.settings.get('dtype', 'float32'))
        unique = f'{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}'
        self._part = store.root / f'.{video_id}.{unique}.part'
        self._stream = self._part.open('wb')
        fcntl.flock(self._stream, fcntl.LOCK_EX)

    def append(self, rows: np.ndarray) -> None:
        """Add snippets.

        Args:
            rows: Shape (n, C), or (n, crops, C).

        Raises:
            ValueError: Another shape than before.
            OSError: The disk is full, or cannot be written to.
        """
        if self._shape is None:
            self._shape = rows.shape[1:]
            self._stream.write(self._header(0))
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
            OSError: The disk is full, or cannot be written to.
        """
        if self.rows != grid.num_snippets:
            raise DatasetError(
                f'video {self.video_id}: {self.rows} snippets, but its time grid '
                f'has {grid.num_snippets}'
            )
        self._stream.seek(0)
        self._stream.write(self._header(self.rows))
        self._stream.flush()
        os.fsync(self._stream.fileno())
        os.replace(self._part, self.store.root / f'{self.video_id}.npy')
        self._stream.close()
        row = dict(grid.to_json(), **({} if source is None else dict(source=dict(source))))
        write_text(
            self.store._info_path(self.video_id),
            json.dumps(row, indent=1, ensure_ascii=False) + '\n',
        )

    def abort(self) -> None:
        """Leave nothing behind."""
        if not self._stream.closed:
            self._part.unlink(missing_ok=True)
            self._stream.close()

    def __enter__(self) -> SnippetWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()

    def _header(self, rows: int) -> bytes:
        """Header of the .npy file, of the same length for any number of rows."""
        buffer = io.BytesIO()
        description = np.lib.format.dtype_to_descr(self._dtype)
        np.lib.format.write_array_header_1_0(
            buffer, dict(descr=description, fortran_order=False, shape=(rows, *self._shape))
        )
        magic, text = buffer.getvalue()[:10], buffer.getvalue()[10:].rstrip(b'\n ')
        size = 128 - len(magic)
        if len(text) + 1 > size:
            raise ValueError(f'snippets of shape {self._shape} are too deep for a store')
        return magic[:8] + size.to_bytes(2, 'little') + text.ljust(size - 1) + b'\n'


def _write_once(path: Path, text: str) -> None:
    """Write a file that another process may be writing at the same time; the first one stays."""
    part = path.with_name(f'.{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.part')
    part.write_text(text, encoding='utf-8')
    try:
        os.link(part, path)
    except FileExistsError:
        return
    finally:
        part.unlink()


def _differences(
    found: Mapping[str, Any], wanted: Mapping[str, Any], where: str = ''
) -> Iterator[str]:
    for key in sorted({*found, *wanted} - set(_NOT_COMPARED)):
        there, asked = found.get(key), wanted.get(key)
        if isinstance(there, Mapping) and isinstance(asked, Mapping):
            yield from _differences(there, asked, f'{where}{key}.')
        elif there != asked:
            yield f'{where}{key} is {_short(there)}, asked for {_short(asked)}'


def _short(value: Any) -> str:  # noqa: ANN401
    text = json.dumps(value)
    return text if len(text) <= 80 else f'{text[:77]}...'
