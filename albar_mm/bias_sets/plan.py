"""Third stage: what a benchmark consists of, before any pixel is made."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..compositing.backgrounds import item_rng
from ..compositing.kept import GENERATOR
from ..utils.errors import DatasetError
from ..video.source_video import SourceVideo
from .settings import CONFLICT_FAMILY, BuildSettings
from .sources import SourceList
from .survey import Survey


def plan_rows(
    settings: BuildSettings, sources: SourceList, surveys: Mapping[str, Survey], workers: int = 1
) -> list[dict]:
    """Third stage of a build: the row of every item of every set.

    As :func:`draw_rows`, with what the survey found; only ``conflict_shift`` is still open.
    """
    rows = draw_rows(settings, sources, workers)
    for row in rows:
        own = surveys[row['video_id']]
        row.update(
            frames=own.frames,
            first=own.first,
            last=own.last,
            height=own.height,
            width=own.width,
            fps=own.fps,
            mask_source=settings.masks.name,
            mask_sha256=own.mask_sha256,
            empty_frames=settings.empty_frames,
            filled_frames=len(own.filled),
        )
        if settings.fps is not None:
            row.update(kept_fps=settings.fps, source_fps=own.source_fps)
        if row['set'] == 'scufo':
            rng = item_rng(row['seed'], row['video_id'], row['k'], row['background'], 'scufo_frame')
            row['scufo_frame'] = int(rng.randint(own.frames))
        if row['set'] == 'conflfg':
            lender = surveys[row['conflict_video_id']]
            row['conflict_frame'] = lender.stills[row.pop('conflict_still')]
            row.update(conflict_first=lender.first, conflict_mask_sha256=lender.mask_sha256)
    return rows


def draw_rows(settings: BuildSettings, sources: SourceList, workers: int = 1) -> list[dict]:
    """Draw backgrounds and Confl-FG partners for every item of every set.

    Who is pasted into whom depends on all source videos. A row has all that does not depend on
    frames and masks; they are ordered by source video, then set, background and k. Confl-FG rows
    name their still by ``conflict_video_id`` and ``conflict_still``, its number among those that
    video lends. ``workers`` threads look at background images.

    Raises:
        DatasetError: A background folder has no usable image; no video of another class.
    """
    draws = _draw_backgrounds(settings, sources.videos, workers)
    rows = []
    for video in sources.videos:
        others = [v for v in sources.videos if v.label != video.label] if settings.stills else ()
        for name, family in settings.folders():
            for k in range(settings.per_video):
                item = f'{video.video_id}__{k}'
                row = dict(
                    id=item,
                    file=f'{item}.avi',
                    set=name,
                    video=sources.names[video.video_id],
                    video_id=video.video_id,
                    k=k,
                    label=video.label,
                    background=family,
                    seed=settings.seed,
                    generator=GENERATOR,
                    **draws[video.video_id, family, k],
                )
                if name == 'conflfg':
                    row.update(_partner(settings, video, k, others, sources.names))
                rows.append(row)
    return rows


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
    return dict(
        conflict_video=names[other.video_id],
        conflict_video_id=other.video_id,
        conflict_label=other.label,
        conflict_still=int(rng.randint(settings.stills)),
    )
