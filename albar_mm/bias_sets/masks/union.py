"""Masks made of other masks: the Kinetics recipe and its filter."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ...utils.spec import require
from ...video.source_video import SourceVideo
from .source import MaskResult, MaskSource


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

    def __post_init__(self) -> None:
        require(self, radius=(self.radius >= 0, 'a whole number from 0'))

    @property
    def name(self) -> str:  # type: ignore[override]
        """``union(<person>,<saliency>)``."""
        return f'union({self.person.name},{self.saliency.name})'

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
