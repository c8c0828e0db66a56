"""First pass over the source videos: sizes, masks and stills, before anything is planned."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..compositing.conflict import Still
from ..compositing.kept_masks import kept_masks_path, mask_sha256, save_kept_masks
from ..compositing.layout import SURVEY_FOLDER, still_path, write_still
from ..compositing.seeds import item_rng
from ..utils.errors import DatasetError
from ..utils.files import write_text
from ..video.source_video import SourceVideo
from .masks.policy import fill_missing
from .masks.source import MaskSource, result_of, settings_of
from .masks.union import CoverFilter

DEFAULT_FPS = 30.0


@dataclass(frozen=True)
class Survey:
    """What is known of a source video.

    Attributes:
        video_id: Source video.
        bytes: Size of its file.
        total_frames: Number of frames that decode.
        height: In px.
        width: In px.
        fps: Frames per second, to 1/1000; 30 where the file does not say.
        first: First frame that is kept.
        last: Last frame that is kept.
        filled: Kept frames that had no mask of their own, by their number in the source video.
        mask_sha256: Of the masks of the kept frames.
        stills: Frames, by their number in the source video, that it lends to Confl-FG.
        notes: Counts that the mask source took, e.g. ``box_fallbacks``.
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

    @property
    def frames(self) -> int:
        """Number of kept frames."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Problem:
    """Why a source video cannot be used.

    Attributes:
        video_id: Source video.
        reason: One line.
        filtered: It does not pass the filter on mask cover, as opposed to something being wrong.
    """

    video_id: str
    reason: str
    filtered: bool = False


@dataclass(frozen=True)
class Surveyor:
    """Surveys one source video at a time, in any process.

    Attributes:
        root: Folder of the benchmark; masks go to ``masks/``, stills to ``stills/``.
        mask_source: Where the masks come from.
        empty_frames: Policy for frames without a mask.
        seed: Seed of the benchmark.
        stills: Number of stills to take from every video (0: no Confl-FG).
        cover_filter: Videos that do not pass are left out.
    """

    root: Path
    mask_source: MaskSource
    empty_frames: str
    seed: int
    stills: int
    cover_filter: CoverFilter | None = None

    def __call__(self, video: SourceVideo) -> Survey | Problem:
        """Survey a video, or take what an earlier run found."""
        try:
            return self._known(video) or self._survey(video)
        except DatasetError as error:
            return Problem(video.video_id, str(error))
        finally:
            video.forget_frames()

    def _survey(self, video: SourceVideo) -> Survey | Problem:
        frames = video.frames
        masks, notes = self._masks(video)
        reason = self.cover_filter.reason(masks) if self.cover_filter else ''
        if reason:
            return Problem(video.video_id, reason, filtered=True)
        track = fill_missing(masks, self.empty_frames, video.video_id)
        save_kept_masks(kept_masks_path(self.root, video.video_id), track.masks)
        lent = self._still_frames(video.video_id, np.flatnonzero(masks.any((1, 2))))
        for index in set(lent):
            still = Still(frames[index], masks[index])
            write_still(self.root, video.video_id, index, still)
        height, width = frames.shape[1:3]
        survey = Survey(
            video.video_id,
            video.path.stat().st_size,
            len(frames),
            height,
            width,
            read_fps(video.path),
            track.first,
            track.last,
            tuple(track.filled),
            mask_sha256(track.masks),
            lent,
            dict(notes),
        )
        text = json.dumps(dict(self._key(), **asdict(survey)), sort_keys=True)
        write_text(self._facts(video.video_id), text + '\n')
        return survey

    def _masks(self, video: SourceVideo) -> tuple[np.ndarray, Mapping[str, int]]:
        try:
            made = result_of(self.mask_source, video)
        except DatasetError:
            raise
        except Exception as error:  # a source of the user's may raise anything
            text = ' '.join(str(error).split())[:200]
            raise DatasetError(
                f'{video.path}: the masks {self.mask_source.name} fail: '
                f'{type(error).__name__}: {text}'
            ) from error
        return made.masks, made.notes

    def _still_frames(self, video_id: str, candidates: np.ndarray) -> tuple[int, ...]:
        rngs = (item_rng(self.seed, video_id, n, 'stripe', 'still') for n in range(self.stills))
        return tuple(int(candidates[rng.randint(len(candidates))]) for rng in rngs)

    def _key(self) -> dict[str, Any]:
        settings = dict(
            masks=settings_of(self.mask_source),
            empty_frames=self.empty_frames,
            seed=self.seed,
            wanted_stills=self.stills,
        )
        return dict(settings=settings)

    def _facts(self, video_id: str) -> Path:
        return self.root / SURVEY_FOLDER / f'{video_id}.json'

    def _known(self, video: SourceVideo) -> Survey | None:
        path = self._facts(video.video_id)
        if not path.is_file() or not kept_masks_path(self.root, video.video_id).is_file():
            return None
        facts = json.loads(path.read_text())
        key = self._key()
        if {name: facts.pop(name, None) for name in key} != key:
            return None
        facts.update(filled=tuple(facts['filled']), stills=tuple(facts['stills']))
        survey = Survey(**facts)
        if not video.path.is_file() or survey.bytes != video.path.stat().st_size:
            return None
        stills = (still_path(self.root, survey.video_id, index) for index in survey.stills)
        return survey if all(still.is_file() for still in stills) else None


def read_fps(path: Path) -> float:
    """Frames per second of a video file to 1/1000, or 30 where it cannot be read."""
    reader = cv2.VideoCapture(str(path))
    fps = reader.get(cv2.CAP_PROP_FPS)
    reader.release()
    return round(fps, 3) if math.isfinite(fps) and 0.1 <= fps <= 1000 else DEFAULT_FPS


def sort_out(
    found: Iterable[Survey | Problem],
) -> tuple[dict[str, Survey], list[Problem], list[Problem]]:
    """Split the results of a survey.

    Args:
        found: What a :class:`Surveyor` returned for every video.

    Returns:
        Surveys by id, videos that do not pass the filter, videos with something wrong.
    """
    surveys: dict[str, Survey] = {}
    problems: list[Problem] = []
    for one in found:
        if isinstance(one, Survey):
            surveys[one.video_id] = one
        else:
            problems.append(one)
    filtered = [p for p in problems if p.filtered]
    return surveys, filtered, [p for p in problems if not p.filtered]
