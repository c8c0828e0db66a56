"""Second stage, the first pass over the videos: sizes, masks and stills, before all planning."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..compositing.backgrounds import item_rng
from ..compositing.kept import (
    SURVEY_FOLDER,
    kept_masks_path,
    mask_sha256,
    save_kept_masks,
    still_path,
    write_still,
)
from ..compositing.render import Still
from ..utils.errors import DatasetError
from ..utils.files import read_json, write_text
from ..utils.parallel import map_videos
from ..utils.text import name_some
from ..video.source_video import SourceVideo, read_fps
from .settings import BuildSettings, begin_description
from .sources import SourceList

POLICIES = ('keep', 'cut', 'nearest', 'background', 'error')
"""``keep``, as published of HMDB51 and Kinetics, keeps every frame that the mask source covers,
those without a mask as bare background; ``background``, as published of UCF101, does so from the
first mask to the last; ``cut`` drops frames before the first and after the last mask and is
``nearest`` between them; ``nearest`` takes the mask of the nearest frame that has one (of two, the
earlier); ``error`` refuses the video."""


@dataclass(frozen=True)
class Survey:
    """What is known of a source video.

    Attributes:
        video_id: Source video.
        bytes: Size of its file.
        total_frames: Number of its frames, at the rate at which they are kept.
        height: In px.
        width: In px.
        fps: Frames per second of what is kept, to 1/1000; 30 where the file does not say.
        first: First frame that is kept.
        last: Last frame that is kept.
        filled: Kept frames that had no mask of their own, by their number in the source video.
        mask_sha256: Of the masks of the kept frames.
        stills: Frames, by their number in the source video, that it lends to Confl-FG.
        notes: Counts that the mask source took, e.g. ``box_fallbacks``.
        source_fps: Frames per second of the file, as ``fps``.
    """

    video_id: str
    bytes: int
    total_frames: int
    height: int
    width: int
    fps: float
    first: int
    last: int
    filled: tuple[int, ...]
    mask_sha256: str
    stills: tuple[int, ...] = ()
    notes: Mapping[str, int] = field(default_factory=dict)
    source_fps: float | None = None

    @property
    def frames(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class Problem:
    """Why a source video cannot be used.

    ``filtered``: it does not pass the filter on mask cover, as opposed to something being wrong.
    """

    video_id: str
    reason: str
    filtered: bool = False


def survey(
    root: Path,
    settings: BuildSettings,
    sources: SourceList,
    workers: int = 1,
    say: Callable[[str], object] = print,
) -> tuple[SourceList, dict[str, Survey]]:
    """Second stage of a build: look at every video once, and keep its masks and stills.

    ``say`` shows a line of text to the user.

    Raises:
        DatasetError: Something is wrong with a video or its masks; ``root`` holds a benchmark of
            other settings.
    """
    begin_description(root, settings.identity(sources))
    say(f'surveying {len(sources.videos)} source videos (masks: {settings.masks.name})')
    found = map_videos(Surveyor(root, settings), sources.videos, workers)
    problems = [one for one in found if isinstance(one, Problem)]
    wrong = [problem for problem in problems if not problem.filtered]
    if wrong:
        others = f'; {len(wrong) - 1} more: {name_some(p.video_id for p in wrong[1:])}'
        raise DatasetError(wrong[0].reason + (others if len(wrong) > 1 else ''))
    sources = sources.without({problem.video_id: problem.reason for problem in problems})
    sources.require_some()
    return sources, {one.video_id: one for one in found if isinstance(one, Survey)}


@dataclass(frozen=True)
class Surveyor:
    """Surveys one source video at a time, in any process.

    Attributes:
        root: Folder of the benchmark; masks go to ``masks/``, stills to ``stills/``.
        settings: What to make.
    """

    root: Path
    settings: BuildSettings

    def __call__(self, video: SourceVideo) -> Survey | Problem:
        try:
            return self._known(video) or self._survey(video)
        except DatasetError as error:
            return Problem(video.video_id, str(error))
        finally:
            video.forget_frames()

    def _survey(self, video: SourceVideo) -> Survey | Problem:
        frames, cover_filter = video.frames, self.settings.cover_filter
        made = self.settings.masks.result(video)
        masks = made.masks
        reason = cover_filter.reason(masks) if cover_filter else ''
        if reason:
            return Problem(video.video_id, reason, filtered=True)
        policy = self.settings.empty_frames
        kept, first, filled = fill_missing(masks, policy, video.video_id, made.covered)
        save_kept_masks(kept_masks_path(self.root, video.video_id), kept)
        having, seed = np.flatnonzero(masks.any((1, 2))), self.settings.seed
        draws = (
            item_rng(seed, video.video_id, n, 'stripe', 'still')
            for n in range(self.settings.stills)
        )
        lent = tuple(int(having[rng.randint(len(having))]) for rng in draws)
        for index in set(lent):
            write_still(self.root, video.video_id, index, Still(frames[index], masks[index]))
        (height, width), native = frames.shape[1:3], read_fps(video.path)
        found = Survey(
            video.video_id,
            video.path.stat().st_size,
            len(frames),
            height,
            width,
            min(native, self.settings.fps or math.inf),
            first,
            first + len(kept) - 1,
            filled,
            mask_sha256(kept),
            lent,
            dict(made.notes),
            native,
        )
        text = json.dumps(dict(asdict(found), settings=self._key()), sort_keys=True)
        write_text(self._facts(video.video_id), text + '\n')
        return found

    def _key(self) -> dict[str, Any]:
        return dict(
            masks=self.settings.masks.settings(),
            empty_frames=self.settings.empty_frames,
            seed=self.settings.seed,
            wanted_stills=self.settings.stills,
            **({'fps': self.settings.fps} if self.settings.fps else {}),
        )

    def _facts(self, video_id: str) -> Path:
        return self.root / SURVEY_FOLDER / f'{video_id}.json'

    def _known(self, video: SourceVideo) -> Survey | None:
        path = self._facts(video.video_id)
        if not path.is_file() or not kept_masks_path(self.root, video.video_id).is_file():
            return None
        facts = read_json(path)
        if facts.pop('settings', None) != self._key():
            return None
        facts.update(filled=tuple(facts['filled']), stills=tuple(facts['stills']))
        found = Survey(**facts)
        if not video.path.is_file() or found.bytes != video.path.stat().st_size:
            return None
        stills = (still_path(self.root, found.video_id, index) for index in found.stills)
        return found if all(still.is_file() for still in stills) else None


def fill_missing(
    masks: np.ndarray, policy: str = 'cut', video_id: str = '', covered: int | None = None
) -> tuple[np.ndarray, int, tuple[int, ...]]:
    """Apply one of ``POLICIES`` to masks, bool (T, H, W); an all-False frame has no mask.

    ``covered`` is :attr:`.masks.source.MaskResult.covered`.

    Returns:
        Masks of the frames that are kept, bool (t, H, W), none empty except under the policies
        ``keep`` and ``background``; the first of these frames; and those that had no mask of their
        own, as indices into the whole video.

    Raises:
        DatasetError: No frame has a mask; or the policy is ``error`` and some frame has none.
        ValueError: There is no such policy.
    """
    if policy not in POLICIES:
        raise ValueError(f'mask policy {policy!r}; expected one of {", ".join(POLICIES)}')
    present = masks.any(axis=(1, 2))
    having = np.flatnonzero(present)
    who = f'video {video_id}: ' if video_id else ''
    if not having.size:
        raise DatasetError(
            f'{who}none of its {len(masks)} frames has a mask; take the video out, or another '
            'mask source'
        )
    if policy == 'error' and having.size < len(masks):
        missing = np.flatnonzero(~present)
        raise DatasetError(
            f'{who}{len(missing)} of {len(masks)} frames have no mask (frames '
            f'{name_some(str(index) for index in missing)}, counted from 0); mend the masks, or '
            'choose the policy keep, cut, nearest or background'
        )
    first, last = 0, len(masks) - 1
    if policy == 'keep' and covered is not None:
        last = covered - 1
    if policy in ('cut', 'background'):
        first, last = int(having[0]), int(having[-1])
    filled = tuple(int(i) for i in range(first, last + 1) if not present[i])
    kept = masks[first : last + 1]
    if filled and policy not in ('keep', 'background'):
        kept = kept.copy()
        for index in filled:
            kept[index - first] = masks[having[np.argmin(np.abs(having - index))]]
    return kept, first, filled
