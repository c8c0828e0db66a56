"""What a benchmark consists of, before any pixel is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ..compositing.backgrounds import BackgroundFamily
from ..compositing.layout import GENERATOR
from ..compositing.seeds import item_rng
from ..utils.errors import DatasetError
from ..video.source_video import SourceVideo
from .sources import SourceList
from .survey import Survey

SETS = {'scuba': 'SCUBA', 'scufo': 'SCUFO', 'conflfg': 'ConflFG'}
"""Set -> its part of the folder name."""
CONFLICT_FAMILY = 'stripe'
"""Background family of Confl-FG."""
_GATHERED = ('id', 'file', 'set', 'video', 'video_id', 'k', 'label')


@dataclass(frozen=True)
class BuildSettings:
    """Everything besides videos and masks that fixes the content of a benchmark.

    Attributes:
        dataset: First part of the folder names, e.g. ``'HMDB51'``.
        families: Background families.
        seed: Seed of all draws.
        per_video: Variants of every source video.
        sets: Some of ``'scuba'``, ``'scufo'``, ``'conflfg'``.
        empty_frames: Policy for frames without a mask.
        encoding: ``'jpeg'``, ``'lossless'``, or ``'none'``: manifests only, to composite on the
            fly.
    """

    dataset: str
    families: tuple[BackgroundFamily, ...] = field(repr=False)
    seed: int = 0
    per_video: int = 10
    sets: tuple[str, ...] = tuple(SETS)
    empty_frames: str = 'cut'
    encoding: str = 'jpeg'

    def __post_init__(self) -> None:
        if not self.dataset or not self.dataset.replace('-', '').isalnum():
            raise DatasetError(
                f'--name {self.dataset!r}: use letters, digits and hyphens, e.g. HMDB51'
            )
        if self.per_video < 1:
            raise DatasetError(f'--per-video {self.per_video}: expected 1 or more')
        if not self.sets or set(self.sets) - set(SETS):
            given, known = ' '.join(self.sets), ', '.join(SETS)
            raise DatasetError(f'--sets {given}: expected some of {known}')
        names = {family.name.lower() for family in self.families}
        if 'conflfg' in self.sets and CONFLICT_FAMILY not in names:
            raise DatasetError(
                '--sets conflfg: Confl-FG is made on stripes; add stripe to '
                '--backgrounds, or leave conflfg out'
            )

    @property
    def stills(self) -> int:
        """Stills that every source video lends."""
        return self.per_video if 'conflfg' in self.sets else 0

    def identity(self) -> dict[str, Any]:
        """Plain JSON that is equal for equal settings."""
        return dict(
            generator=GENERATOR,
            dataset=self.dataset,
            seed=self.seed,
            per_video=self.per_video,
            sets=[name for name in SETS if name in self.sets],
            empty_frames=self.empty_frames,
            encoding=self.encoding,
            backgrounds=[family.identity() for family in self.families],
        )

    def folders(self) -> dict[tuple[str, str], str]:
        """(set, background in lower case) -> name of the folder."""
        return {
            (name, family.name.lower()): f'{self.dataset}_{SETS[name]}_{family.name}'
            for name in SETS
            for family in self.families
            if name in self.sets and (name != 'conflfg' or family.name.lower() == CONFLICT_FAMILY)
        }


def plan_rows(settings: BuildSettings, sources: SourceList, workers: int = 1) -> list[dict]:
    """Draw backgrounds and Confl-FG partners for every item of every set.

    Args:
        settings: What to make.
        sources: The source videos; who is pasted into whom depends on all of them.
        workers: Threads that look at background images.

    Returns:
        One row per item with all that does not depend on frames and masks, ordered by source
        video, then set, background and k. Confl-FG rows name their still by ``conflict_video_id``
        and ``conflict_still``, its number among those that video lends.

    Raises:
        DatasetError: A background folder has no usable image; no video of another class.
    """
    draws = _draw_backgrounds(settings, sources.videos, workers)
    rows = []
    for video in sources.videos:
        others = [v for v in sources.videos if v.label != video.label] if settings.stills else ()
        for name, family in settings.folders():
            for k in range(settings.per_video):
                row = _base_row(name, video, sources.names[video.video_id], k)
                row.update(
                    background=family,
                    seed=settings.seed,
                    generator=GENERATOR,
                    **draws[video.video_id, family, k],
                )
                if name == 'conflfg':
                    row.update(_partner(settings, video, k, others, sources.names))
                rows.append(row)
    return rows


def complete_row(
    row: Mapping[str, Any], mask_source: str, empty_frames: str, surveys: Mapping[str, Survey]
) -> dict[str, Any]:
    """Add what the survey found; only ``conflict_shift`` is still open then.

    Args:
        row: From :func:`plan_rows`.
        mask_source: Name of the mask source.
        empty_frames: Policy for frames without a mask.
        surveys: By id.

    Returns:
        The row.
    """
    row = dict(row)
    own = surveys[row['video_id']]
    row.update(
        frames=own.frames,
        first=own.first,
        last=own.last,
        height=own.height,
        width=own.width,
        fps=own.fps,
        mask_source=mask_source,
        mask_sha256=own.mask_sha256,
        empty_frames=empty_frames,
        filled_frames=len(own.filled),
    )
    if row['set'] == 'scufo':
        rng = item_rng(row['seed'], row['video_id'], row['k'], row['background'], 'scufo_frame')
        row['scufo_frame'] = int(rng.randint(own.frames))
    if row['set'] == 'conflfg':
        lender = surveys[row['conflict_video_id']]
        row['conflict_frame'] = lender.stills[row.pop('conflict_still')]
        row.update(conflict_first=lender.first, conflict_mask_sha256=lender.mask_sha256)
    return row


def _base_row(name: str, video: SourceVideo, path: str, k: int) -> dict[str, Any]:
    item = f'{video.video_id}__{k}'
    values = (item, f'{item}.avi', name, path, video.video_id, k, video.label)
    return dict(zip(_GATHERED, values, strict=True))


def _draw_backgrounds(
    settings: BuildSettings, videos: Sequence[SourceVideo], workers: int
) -> dict[tuple[str, str, int], dict[str, Any]]:
    keys = [
        (video.video_id, family, k)
        for family in settings.families
        for video in videos
        for k in range(settings.per_video)
    ]
    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(lambda key: key[1].draw(settings.seed, key[0], key[2]), keys)
        return {(v, f.name.lower(), k): draw for (v, f, k), draw in zip(keys, found, strict=True)}


def _partner(
    settings: BuildSettings,
    video: SourceVideo,
    k: int,
    others: Sequence[SourceVideo],
    names: Mapping[str, str],
) -> dict[str, Any]:
    if not others:
        raise DatasetError(
            f'{video.path}: Confl-FG pastes a foreground of another class, and all source videos '
            f'are of class {video.label}; leave conflfg out of --sets'
        )
    rng = item_rng(settings.seed, video.video_id, k, CONFLICT_FAMILY, 'conflict')
    other = others[rng.randint(len(others))]
    still = int(rng.randint(settings.stills))
    return dict(
        conflict_video=names[other.video_id],
        conflict_video_id=other.video_id,
        conflict_label=other.label,
        conflict_still=still,
    )
