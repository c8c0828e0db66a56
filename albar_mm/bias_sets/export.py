"""Fourth stage: writing the items, those of one source video at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..annotations.manifest import rows_digest, write_set
from ..compositing.backgrounds import Backgrounds
from ..compositing.kept import (
    kept_background_path,
    kept_masks_path,
    load_kept_masks,
    still_of,
)
from ..compositing.render import Still, fit_still, render_item, shift_away
from ..utils.arrays import write_npz
from ..utils.errors import DatasetError, reason_of
from ..utils.files import read_json, write_bytes, write_json
from ..utils.identity import file_sha256
from ..utils.parallel import map_videos
from ..video.avi import avi_bytes, encode_frames
from ..video.source_video import SourceVideo
from .settings import BENCHMARK_NAME, BuildSettings, write_report
from .sources import SourceList
from .survey import Survey

PROGRESS_FOLDER = '.progress/items'


@dataclass(frozen=True)
class Built:
    """What a build made.

    Attributes:
        root: Folder of the benchmark.
        described: Content of ``benchmark.json``: ``items`` per folder, ``left_out``, ...
        images: Background family -> what :meth:`.ImageFolder.report` says.
        written: Files written by this run; the others were there.
    """

    root: Path
    described: dict[str, Any]
    images: dict[str, dict[str, Any]]
    written: int


def export(
    root: Path,
    settings: BuildSettings,
    sources: SourceList,
    surveys: Mapping[str, Survey],
    rows: Sequence[Mapping[str, Any]],
    workers: int = 1,
    say: Callable[[str], object] = print,
) -> Built:
    """Fourth stage of a build: write the files of all items, the manifests, and what was made.

    Takes what :func:`.survey.survey` and :func:`.plan.plan_rows` give; ``say`` shows a line of
    text to the user.

    Raises:
        DatasetError: Something cannot be read or written.
    """
    for folder in settings.folders().values():
        (root / folder).mkdir(exist_ok=True)
    say(f'writing {len(rows)} items of {len(sources.videos)} source videos to {root}')
    by_video: dict[str, list[Any]] = {video.video_id: [] for video in sources.videos}
    for row in rows:
        by_video[row['video_id']].append(row)
    tasks = list(zip(sources.videos, by_video.values(), strict=True))
    results = map_videos(Exporter(root, settings, Backgrounds(settings.families)), tasks, workers)
    counts = _write_sets(root, settings, results)
    images = write_report(root, settings)
    found = sorted(surveys.items())
    described = dict(
        complete=True,
        settings=settings.identity(sources),
        training_lists_checked=list(sources.training_lists),
        source_videos=len(sources.videos),
        items=counts,
        frames=sum(row['frames'] for row in rows),
        left_out=list(sources.left_out),
        frames_without_own_mask={name: list(one.filled) for name, one in found if one.filled},
        mask_notes={name: dict(one.notes) for name, one in found if one.notes},
    )
    write_json(root / BENCHMARK_NAME, described)
    return Built(root, described, images, sum(written for _, _, written in results))


Done = tuple[Sequence[dict[str, Any]], Mapping[str, str], int]
"""The complete rows of a source video, file below the root -> SHA-256 (none where no videos are
written), and how many files were written now."""


@dataclass(frozen=True)
class Exporter:
    """Makes the items of one source video at a time, in any process.

    A finished file whose content has the recorded SHA-256 is left alone, so a build that was
    interrupted goes on; files appear whole or not at all.
    """

    root: Path
    settings: BuildSettings
    backgrounds: Backgrounds

    def __call__(self, task: tuple[SourceVideo, Sequence[dict[str, Any]]]) -> Done:
        """Make the items of a source video, of their rows without ``conflict_shift``.

        Raises:
            DatasetError: Something cannot be read or written; names the video.
        """
        video, rows = task
        try:
            return self._export(video, rows)
        except DatasetError:
            raise
        except Exception as error:
            raise DatasetError(
                f'{video.path}: {type(error).__name__}: {reason_of(error)}; no file of it is '
                'half-written'
            ) from error
        finally:
            video.forget_frames()

    def _export(self, video: SourceVideo, planned: Sequence[dict[str, Any]]) -> Done:
        folders, encoding = self.settings.folders(), self.settings.encoding
        wanted = [f'{folders[row["set"], row["background"]]}/{row["file"]}' for row in planned]
        if encoding == 'none':
            wanted = []
            for row in planned:
                path = kept_background_path(self.root, row)
                if not path.is_file():
                    image = self.backgrounds.of_row(row, row['height'], row['width'])
                    write_npz(path, dict(image=image))
        marker = self.root / PROGRESS_FOLDER / f'{video.video_id}.json'
        digest = rows_digest(planned)
        rows, hashes = self._finished(marker, digest)
        if rows and hashes.keys() >= set(wanted):
            return rows, hashes, 0
        masks_file = kept_masks_path(self.root, video.video_id)
        masks = load_kept_masks(masks_file, planned[0]['mask_sha256'])
        rows = [self._with_shift(row, masks) for row in planned]
        missing = [pair for pair in zip(rows, wanted, strict=False) if pair[1] not in hashes]
        if missing:
            frames, last = video.frames, planned[0]['last']
            if frames.shape[1:3] != masks.shape[1:] or len(frames) <= last:
                raise DatasetError(
                    f'{video.path}: changed while the benchmark was built; delete '
                    f'{self.root / "masks"} and build again'
                )
        buffer = np.empty((*masks.shape, 3), np.uint8)
        for row, place in missing:
            still = still_of(self.root, row)
            data = encode_item(row, frames, masks, self.backgrounds, still, encoding, buffer)
            hashes[place] = write_bytes(self.root / place, data)
        state = dict(planned=digest, rows=rows, files=dict(sorted(hashes.items())))
        write_json(marker, state, indent=None)
        return rows, hashes, len(missing)

    def _with_shift(self, row: dict[str, Any], masks: np.ndarray) -> dict[str, Any]:
        still = still_of(self.root, row)
        if still is None:
            return row
        shift = shift_away(fit_still(still, *masks.shape[1:]).mask, masks)
        return dict(row, conflict_shift=shift)

    def _finished(self, marker: Path, planned: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """What an earlier run finished of the same rows, less the files that changed since."""
        try:
            state = read_json(marker)
        except DatasetError:
            return [], {}
        if state.get('planned') != planned:
            return [], {}
        files = {
            name: sha256
            for name, sha256 in state['files'].items()
            if (self.root / name).is_file() and file_sha256(self.root / name) == sha256
        }
        return state['rows'], files


def encode_item(
    row: Mapping[str, Any],
    frames: np.ndarray,
    masks: np.ndarray,
    backgrounds: Backgrounds,
    still: Still | None,
    encoding: str,
    buffer: np.ndarray | None = None,
) -> bytes:
    """Render one item, of its row of the manifest, and make the content of its AVI file.

    Takes all frames of the source video, uint8 (N, H, W, 3), the masks of the kept ones, bool (T,
    H, W), the foreign foreground of a Confl-FG item, and a buffer to render into, uint8 (T, H, W,
    3).
    """
    height, width = masks.shape[1:]
    background = backgrounds.of_row(row, height, width)
    rendered = render_item(row, frames, masks, background, still, buffer)
    if row['set'] == 'scufo':  # one frame, repeated: one picture, repeated
        encoded: Sequence[bytes] = encode_frames(rendered[:1], encoding) * len(rendered)
    else:
        encoded = encode_frames(rendered, encoding)
    return avi_bytes(encoded, height, width, row['fps'], encoding)


def _write_sets(root: Path, settings: BuildSettings, results: Sequence[Done]) -> dict[str, int]:
    folders = settings.folders()
    rows: dict[str, list[dict[str, Any]]] = {folder: [] for folder in folders.values()}
    hashes: dict[str, dict[str, str]] = {folder: {} for folder in rows}
    for of_video, files, _ in results:
        for row in of_video:
            rows[folders[row['set'], row['background']]].append(row)
        for place, sha256 in files.items():
            folder, _, name = place.partition('/')
            hashes[folder][name] = sha256
    for folder, of_folder in rows.items():
        write_set(root / folder, of_folder, hashes[folder] if settings.encoding != 'none' else None)
    return {folder: len(of_folder) for folder, of_folder in rows.items()}
