"""What a mask source is, the checks that every one of them shares, and masks made of other masks:
the Kinetics recipe and its filter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...utils.errors import DatasetError, absence, reason_of
from ...utils.spec import require
from ...utils.text import name_some
from ...video.source_video import SourceVideo


@dataclass(frozen=True)
class MaskResult:
    """Masks and what happened while they were made.

    Attributes:
        masks: bool (T, H, W).
        notes: Counts that a person should know of, e.g. ``box_fallbacks``.
        covered: Frames, from the first on, that the source knows of; None for all. Frames behind
            them have no mask.
    """

    masks: np.ndarray
    notes: Mapping[str, int] = field(default_factory=dict)
    covered: int | None = None


class MaskSource(ABC):
    """Says which pixels of a video are the actors.

    Sources are frozen dataclasses: cheap to make and picklable. One says how masks are made;
    their length and size are checked here.

    Attributes:
        kind: Begin of the name of a source that works on others.
    """

    kind: str

    @property
    def name(self) -> str:
        """Goes to the manifest, e.g. ``'jhmdb'`` or ``'grabcut(ucf24_boxes)'``."""
        return f'{self.kind}({",".join(source.name for source in self.parts())})'

    def masks(self, video: SourceVideo) -> np.ndarray:
        """Masks of ``video.frames``: bool (T, H, W); an all-False one is none.

        Raises:
            DatasetError: There are none, or they do not fit; names the video and the file.
        """
        return self.result(video).masks

    def result(self, video: SourceVideo) -> MaskResult:
        """Masks with their notes; raises as :meth:`masks` does."""
        try:
            made = self._make(video)
        except DatasetError:
            raise
        except Exception as error:  # one of the user's may raise anything
            raise DatasetError(
                f'{video.path}: the masks {self.name} fail: {type(error).__name__}: '
                f'{reason_of(error)}'
            ) from error
        origin = name_some(str(path) for path in self.files(video)) or self.name
        check_fit(made.masks.shape, video, origin)
        masks, covered = made.masks, made.covered
        if len(masks) != len(video.frames):  # of every frame of the file
            masks = masks[video.kept]
            covered = covered if covered is None else int((video.kept < covered).sum())
        return MaskResult(np.ascontiguousarray(masks, dtype=bool), made.notes, covered)

    def check(self) -> None:
        """Look for packages and try models, before long work.

        Raises:
            DatasetError: One is missing or does not fit.
        """
        for source in self.parts():
            source.check()

    def files(self, video: SourceVideo) -> list[Path]:
        """Files other than the video that decide its masks."""
        return [path for source in self.parts() for path in source.files(video)]

    def settings(self) -> dict[str, Any]:
        """All settings as plain JSON; of a path, its last part."""
        return {'name': self.name, **{key: _plain(value) for key, value in vars(self).items()}}

    @abstractmethod
    def _make(self, video: SourceVideo) -> MaskResult:
        """Masks that may still be of a wrong length or size, or of every frame of the file."""

    def parts(self) -> Iterator[MaskSource]:
        """The sources that it works on."""
        return (value for value in vars(self).values() if isinstance(value, MaskSource))


def mean_share(part: np.ndarray, whole: np.ndarray) -> float | None:
    """Mean share, in [0, 1], that masks have of larger ones, both bool (T, H, W).

    Over frames in which the larger one is not empty; None if there are none.
    """
    area = whole.sum((1, 2), dtype=np.int64)
    shares = part.sum((1, 2), dtype=np.int64)[area > 0] / area[area > 0]
    return float(shares.mean()) if shares.size else None


def check_fit(shape: tuple[int, ...], video: SourceVideo, origin: str) -> None:
    """Check that there is one mask of the right size for every frame, or every one of the file.

    ``shape`` is that of the masks, which need not be in memory yet; ``origin`` their file or
    source, for the message.

    Raises:
        DatasetError: Length or size differ; gives both.
    """
    if len(shape) != 3:
        raise DatasetError(
            f'video {video.video_id}: {origin}: expected masks of shape (T, H, W), got an array of '
            f'shape {shape}'
        )
    frames, height, width = video.frames.shape[:3]
    if shape not in ((frames, height, width), (video.total, height, width)):
        found_frames, found_height, found_width = shape
        kept = f', {frames} of them kept at --fps {video.fps:g}' if video.fps else ''
        raise DatasetError(
            f'video {video.video_id}: {origin} holds {found_frames} masks of '
            f'{found_width}x{found_height} px, but {video.path} has {video.total} frames of '
            f'{width}x{height} px{kept}; make the masks again from this very file'
        )


def find_entry(
    root: Path, video: SourceVideo, patterns: Iterable[str], other_names: Iterable[str] = ()
) -> Path:
    """Find a video's file or folder below a folder of masks, in a folder of its class or not.

    Names are joined, never expanded as wildcards: those of HMDB51 hold ``(``, ``!``, ``#``, ``&``.
    ``patterns`` are relative paths with ``{}`` for the name of the video, best first; the first one
    that exists is taken. ``other_names`` are further names that the video may go by there.

    Raises:
        DatasetError: There is none; names the places looked at.
    """
    if not root.is_dir():
        raise DatasetError(f'{root}: {absence(root, folder=True)} of masks')
    classes = [name for name in (video.class_name, video.path.parent.name) if name]
    folders = [*dict.fromkeys(root / name for name in classes), root]
    places = [
        folder / pattern.replace('{}', name)
        for name in dict.fromkeys((video.video_id, video.path.stem, *other_names))
        for folder in folders
        for pattern in patterns
    ]
    for place in places:
        if place.exists():
            return place
    raise DatasetError(
        f'video {video.video_id}: no masks; looked for {name_some(str(place) for place in places)}'
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return value.name
    if isinstance(value, MaskSource):
        return value.settings()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True)
class UnionMasks(MaskSource):
    """Person masks united with saliency masks, each over its neighbour frames first.

    The recipe of Kinetics-400 SCUBA (Li et al., StillMix, ICCV 2023): a person segmenter misses the
    objects that are handled and flickers; saliency finds the objects.

    Attributes:
        person: Masks of persons.
        saliency: Masks of what catches the eye.
        radius: Neighbour frames on either side whose masks count too.
    """

    person: MaskSource
    saliency: MaskSource
    radius: int = 1
    kind = 'union'

    def __post_init__(self) -> None:
        require(self, radius=(self.radius >= 0, 'a whole number from 0'))

    def _make(self, video: SourceVideo) -> MaskResult:
        parts = [source.result(video) for source in (self.person, self.saliency)]
        spread = [unite_neighbours(part.masks, self.radius) for part in parts]
        notes = Counter(parts[0].notes)
        notes.update(parts[1].notes)
        return MaskResult(spread[0] | spread[1], dict(notes))


def unite_neighbours(masks: np.ndarray, radius: int = 1) -> np.ndarray:
    """Unite each mask, bool (T, H, W), with those of ``radius`` neighbour frames on either side."""
    united = masks.copy()
    for step in range(1, min(radius, len(masks) - 1) + 1):
        united[step:] |= masks[:-step]
        united[:-step] |= masks[step:]
    return united


@dataclass(frozen=True)
class CoverFilter:
    """Keeps a video only if enough of its frames show enough foreground.

    The defaults are those of Kinetics-400 SCUBA, which took the validation set to 10,190 videos.

    Attributes:
        min_frames: Share of the frames that must pass, in [0, 1].
        min_cover: Share of the image that a mask must cover to pass, in [0, 1].
    """

    min_frames: float = 0.9
    min_cover: float = 0.1

    def reason(self, masks: np.ndarray) -> str:
        """Why a video with these masks, bool (T, H, W), does not pass; '' if it does."""
        area = masks.shape[1] * masks.shape[2]
        # counts are compared, not shares: 0.1 * area is exact where a mean may round below 0.1
        passing = int((masks.sum(axis=(1, 2)) >= self.min_cover * area - 1e-9 * area).sum())
        if passing >= self.min_frames * len(masks) - 1e-9 * len(masks):
            return ''
        return (
            f'{passing} of {len(masks)} frames have a mask of at least '
            f'{100 * self.min_cover:g} % of the image; {100 * self.min_frames:g} % are required'
        )
