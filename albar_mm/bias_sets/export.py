"""Writing the items of one source video, which is decoded once for all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..annotations.manifest import rows_digest
from ..compositing.backgrounds import Backgrounds
from ..compositing.conflict import fit_still, shift_away
from ..compositing.kept_backgrounds import kept_background_path, save_kept_background
from ..compositing.kept_masks import kept_masks_path, load_kept_masks
from ..compositing.layout import read_still
from ..compositing.render import render_item
from ..utils.errors import DatasetError
from ..utils.files import write_bytes, write_text
from ..video.avi import avi_bytes, encode_frames
from ..video.source_video import SourceVideo

PROGRESS_FOLDER = '.progress/items'


@dataclass(frozen=True)
class SourceTask:
    """The items of one source video.

    Attributes:
        video: The source video.
        rows: Their rows, without ``conflict_shift``.
    """

    video: SourceVideo
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class SourceResult:
    """What was written.

    Attributes:
        rows: The complete rows.
        hashes: File below the root -> SHA-256; empty where no videos are written.
        redone: Number of files that were written now.
    """

    rows: tuple[dict[str, Any], ...]
    hashes: Mapping[str, str]
    redone: int


@dataclass(frozen=True)
class Exporter:
    """Makes the items of one source video at a time, in any process.

    A finished file whose content has the recorded SHA-256 is left alone, so a build that was
    interrupted goes on; files appear whole or not at all.

    Attributes:
        root: Folder of the benchmark.
        folders: (set, background) -> name of the folder.
        backgrounds: All families.
        encoding: ``'jpeg'``, ``'lossless'`` or ``'none'``.
    """

    root: Path
    folders: Mapping[tuple[str, str], str]
    backgrounds: Backgrounds
    encoding: str

    def __call__(self, task: SourceTask) -> SourceResult:
        """Make the items.

        Raises:
            DatasetError: Something cannot be read or written; names the video.
        """
        try:
            return self._export(task)
        except DatasetError:
            raise
        except Exception as error:
            text = ' '.join(str(error).split())
            raise DatasetError(
                f'{task.video.path}: {type(error).__name__}: {text}; no file of it is half-written'
            ) from error
        finally:
            task.video.forget_frames()

    def _export(self, task: SourceTask) -> SourceResult:
        marker = self.root / PROGRESS_FOLDER / f'{task.video.video_id}.json'
        if self.encoding == 'none':
            self._keep_backgrounds(task.rows)
        planned = rows_digest(task.rows)
        known = self._finished(marker, planned)
        wanted = [self._place(row) for row in task.rows] if self.encoding != 'none' else []
        if known and not set(wanted) - known['files'].keys():
            return SourceResult(tuple(known['rows']), known['files'], 0)
        masks = load_kept_masks(
            kept_masks_path(self.root, task.video.video_id), task.rows[0]['mask_sha256']
        )
        rows = tuple(self._with_shift(row, masks) for row in task.rows)
        hashes = dict(known['files']) if known else {}
        redone = len(set(wanted) - hashes.keys())
        buffer = np.empty((*masks.shape, 3), np.uint8)
        for row, place in zip(rows, wanted, strict=False):
            if place not in hashes:
                hashes[place] = self._write(task.video, row, masks, buffer, self.root / place)
        state = dict(planned=planned, rows=rows, files=dict(sorted(hashes.items())))
        write_text(marker, json.dumps(state) + '\n')
        return SourceResult(rows, hashes, redone)

    def _write(
        self,
        video: SourceVideo,
        row: dict[str, Any],
        masks: np.ndarray,
        buffer: np.ndarray,
        path: Path,
    ) -> str:
        height, width = masks.shape[1:]
        if video.frames.shape[1:3] != (height, width) or len(video.frames) <= row['last']:
            raise DatasetError(
                f'{video.path}: changed while the benchmark was built; delete '
                f'{self.root / "masks"} and build again'
            )
        data = encode_item(
            row, video.frames, masks, self.backgrounds, self._still(row), self.encoding, buffer
        )
        return write_bytes(path, data)

    def _keep_backgrounds(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            path = kept_background_path(self.root, row)
            if not path.is_file():
                save_kept_background(
                    path, self.backgrounds.of_row(row, row['height'], row['width'])
                )

    def _still(self, row: Mapping[str, Any]) -> Any:  # noqa: ANN401  a Still or None
        if row['set'] != 'conflfg':
            return None
        return read_still(self.root, row['conflict_video_id'], row['conflict_frame'])

    def _with_shift(self, row: dict[str, Any], masks: np.ndarray) -> dict[str, Any]:
        if row['set'] != 'conflfg':
            return row
        still = fit_still(self._still(row), *masks.shape[1:])
        return dict(row, conflict_shift=shift_away(still.mask, masks))

    def _place(self, row: Mapping[str, Any]) -> str:
        return f'{self.folders[row["set"], row["background"]]}/{row["file"]}'

    def _finished(self, marker: Path, planned: str) -> dict[str, Any] | None:
        """What an earlier run finished of the same rows, less the files that changed since."""
        try:
            state = json.loads(marker.read_text(encoding='utf-8'))
        except (OSError, ValueError):
            return None
        if state.get('planned') != planned:
            return None
        whole = {
            name: sha
            for name, sha in state['files'].items()
            if file_sha256(self.root / name) == sha
        }
        return dict(rows=state['rows'], files=whole)


def encode_item(
    row: Mapping[str, Any],
    frames: np.ndarray,
    masks: np.ndarray,
    backgrounds: Backgrounds,
    still: Any,  # noqa: ANN401  a Still or None
    encoding: str,
    buffer: np.ndarray | None = None,
) -> bytes:
    """Render one item and make its file's content.

    Args:
        row: Row of the manifest.
        frames: The whole source video, uint8 (N, H, W, 3).
        masks: Masks of the kept frames, bool (T, H, W).
        backgrounds: All families.
        still: The foreign foreground of a Confl-FG item.
        encoding: ``'jpeg'`` or ``'lossless'``.
        buffer: To render into, uint8 (T, H, W, 3).

    Returns:
        The AVI file.
    """
    height, width = masks.shape[1:]
    background = backgrounds.of_row(row, height, width)
    rendered = render_item(row, frames, masks, background, still, buffer)
    if row['set'] == 'scufo':  # one frame, repeated: one picture, repeated
        encoded: Sequence[bytes] = encode_frames(rendered[:1], encoding) * len(rendered)
    else:
        encoded = encode_frames(rendered, encoding)
    return avi_bytes(encoded, height, width, row['fps'], encoding)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, or '' if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ''
