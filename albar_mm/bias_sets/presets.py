"""The published benchmarks by name: what a build takes when it is told nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Preset:
    """Defaults of one benchmark.

    Attributes:
        name: As on the command line.
        dataset: First part of the folder names.
        per_video: Variants of every source video, as published.
        test_list: Test list that ``tools/prepare_dataset.py`` writes.
        missing_masks: What to do with test videos without a mask.
        source: Data set that the videos and lists belong to; default: ``name``.
        bias_folder: Folder of the benchmark below that of the data set.
        cover_filter: Smallest share of frames and of the image, or None for no filter.
        known: Whether it is one of ``PRESETS``.
    """

    name: str
    dataset: str
    per_video: int
    test_list: str = 'test_split1.txt'
    missing_masks: str = 'fail'
    source: str = ''
    bias_folder: str = 'bias'
    cover_filter: tuple[float, float] | None = None
    known: bool = True

    @property
    def folder(self) -> Path:
        """Folder of the data set, as ``tools/prepare_dataset.py`` makes it."""
        return Path('data', self.source or self.name)

    @property
    def root(self) -> Path:
        """Folder of the benchmark."""
        return self.folder / self.bias_folder


PRESETS = {
    preset.name: preset
    for preset in (
        # the source videos are those test videos that JHMDB has puppet masks for
        Preset('hmdb51', 'HMDB51', 10, missing_masks='drop'),
        Preset('jhmdb21', 'JHMDB21', 10),
        # those that UCF101-24 has boxes for
        Preset('ucf101', 'UCF101', 5, missing_masks='drop'),
        # the first protocol, whose boxes show background: never to be mixed with the one above
        Preset(
            'ucf101-boxes',
            'UCF101-boxes',
            5,
            missing_masks='drop',
            source='ucf101',
            bias_folder='bias_boxes',
        ),
        # those that pass the filter on mask cover
        Preset('kinetics400', 'K400', 1, 'test.txt', 'drop', cover_filter=(0.9, 0.1)),
    )
}


def preset_of(name: str) -> Preset:
    """Defaults for a name on the command line; an unknown one is a data set of the user's own.

    Args:
        name: Name of a preset, or any other.
    """
    return PRESETS.get(name) or Preset(name, name, 10, 'test.txt', known=False)
