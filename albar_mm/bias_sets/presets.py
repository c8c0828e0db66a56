"""What was published of each benchmark: the defaults of a build.

Li et al., StillMix (ICCV 2023), and its code for building SCUBA sets; UCF101 with masks in place of
boxes: Fioresi et al., ALBAR (ICLR 2025).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..compositing.backgrounds import Backgrounds
from ..utils.errors import DatasetError
from ..utils.numbers import frame_rate, number
from .masks.boxes import BoxMasks
from .masks.source import CoverFilter, MaskSource
from .settings import SETS, BuildSettings


@dataclass(frozen=True)
class Preset:
    """What a build of one benchmark takes when it is told nothing else.

    Attributes:
        name: As on the command line.
        dataset: First part of the folder names.
        per_video: Variants of every source video, as published.
        test_list: Test list that ``tools/prepare_dataset.py`` writes.
        missing_masks: What to do with test videos without a mask.
        empty_frames: What to do with frames without a mask, one of :data:`.survey.POLICIES`.
        source: Data set that the videos and lists belong to; default: ``name``.
        bias_folder: Folder of the benchmark below that of the data set.
        cover_filter: Smallest share of frames and of the image, or None for no filter.
        fps: Rate at which frames are kept; None for every frame.
        actors: Which boxes of a frame ``boxes:FILE`` takes, see :class:`.masks.boxes.BoxMasks`.
    """

    name: str
    dataset: str
    per_video: int
    test_list: str = 'test_split1.txt'
    missing_masks: str = 'fail'
    empty_frames: str = 'cut'
    source: str = ''
    bias_folder: str = 'bias'
    cover_filter: tuple[float, float] | None = None
    fps: float | None = None
    actors: str = 'all'

    @property
    def folder(self) -> Path:
        """Folder of the data set, as ``tools/prepare_dataset.py`` makes it."""
        return Path('data', self.source or self.name)

    @property
    def root(self) -> Path:
        return self.folder / self.bias_folder


PRESETS = {
    preset.name: preset
    for preset in (
        # the source videos are those test videos that JHMDB has puppet masks for; all frames that
        # these cover were kept
        Preset('hmdb51', 'HMDB51', 10, missing_masks='drop', empty_frames='keep'),
        Preset('jhmdb21', 'JHMDB21', 10, empty_frames='keep'),
        # those that UCF101-24 has boxes for, from the first frame with a box to the last
        Preset('ucf101', 'UCF101', 5, missing_masks='drop', empty_frames='background'),
        # the first protocol, whose boxes show background: never to be mixed with the one above
        Preset(
            'ucf101-boxes',
            'UCF101-boxes',
            5,
            missing_masks='drop',
            empty_frames='background',
            source='ucf101',
            bias_folder='bias_boxes',
            actors='first',
        ),
        # those that pass the filter on mask cover; the rate is that of the published list, where
        # clips of ten seconds have 150 to 153 frames
        Preset(
            'kinetics400',
            'K400',
            1,
            'test.txt',
            missing_masks='drop',
            empty_frames='keep',
            cover_filter=(0.9, 0.1),
            fps=15.0,
        ),
    )
}


def preset_of(name: str) -> Preset:
    """Defaults for a name on the command line; an unknown one is a data set of the user's own."""
    return PRESETS.get(name) or Preset(name, name, 10, 'test.txt')


def build_settings(
    preset: Preset,
    families: Backgrounds,
    masks: MaskSource | None = None,
    name: str | None = None,
    per_video: int | None = None,
    sets: Sequence[str] | None = None,
    missing_masks: str | None = None,
    empty_frames: str | None = None,
    cover_filter: str | None = None,
    fps: str | None = None,
    **others: Any,
) -> BuildSettings:
    """Settings of a build, with the preset's defaults for what is None.

    Args:
        preset: The preset.
        families: The backgrounds.
        masks: Where the masks come from; None only for a plan.
        name: First part of the folder names.
        per_video: Variants of every source video.
        sets: Some of ``SETS``; default: all that the backgrounds allow.
        missing_masks: ``'fail'`` or ``'drop'``.
        empty_frames: One of :data:`.survey.POLICIES`.
        cover_filter: ``FRAMES,COVER`` or ``none``.
        fps: Frames a second, or ``native``.
        **others: Further settings as they are.

    Raises:
        DatasetError: See :class:`.settings.BuildSettings`.
    """
    if sets is None:
        striped = any(family.name == 'Stripe' for family in families.families)
        sets = [one for one in SETS if striped or one != 'conflfg']
    if isinstance(masks, BoxMasks) and masks.actors is None:
        masks = replace(masks, actors=preset.actors)
    return BuildSettings(
        name or preset.dataset,
        families.families,
        per_video=preset.per_video if per_video is None else per_video,
        sets=tuple(sets),
        masks=masks,
        missing_masks=missing_masks or preset.missing_masks,
        empty_frames=empty_frames or preset.empty_frames,
        cover_filter=_cover_filter(cover_filter, preset),
        fps=preset.fps if fps is None else _rate(fps),
        **others,
    )


def _rate(text: str) -> float | None:
    if text == 'native':
        return None
    return frame_rate(text, f'--fps {text}: native, or frames a second')


def _cover_filter(text: str | None, preset: Preset) -> CoverFilter | None:
    if text is None:
        return CoverFilter(*preset.cover_filter) if preset.cover_filter else None
    if text == 'none':
        return None
    shares = text.split(',')
    if len(shares) != 2:
        raise DatasetError(f'--cover-filter {text}: expected FRAMES,COVER, e.g. 0.9,0.1, or none')
    return CoverFilter(*(number(share, f'--cover-filter {text}', 0, 1) for share in shares))
