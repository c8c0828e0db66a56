"""What is known of every data set that can be prepared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..utils.errors import DatasetError
from .official_lists import read_hmdb51, read_jhmdb21, read_kinetics400, read_ucf101
from .video_lists import OfficialLists


@dataclass(frozen=True)
class DatasetSpec:
    """A data set with official split lists.

    Attributes:
        name: As on the command line.
        read: Parser of its lists: folder and split to the lists.
        num_classes: Number of classes.
        sizes: Official numbers of training and test clips by split; empty where none are fixed.
        divide_groups: See :func:`albar_mm.preparation.holdout.hold_out`.
        any_layout: Search the videos by name instead of expecting the official folders.
        delimiter: Default separator of the annotation files.
        decode: Default depth of the check of every video.
        suffix: Put behind ``train``, ``val`` and ``test``, with ``{split}``.
    """

    name: str
    read: Callable[[Path, int], OfficialLists]
    num_classes: int
    sizes: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    divide_groups: bool = False
    any_layout: bool = False
    delimiter: str = ' '
    decode: str = 'first'
    suffix: str = '_split{split}'


SPECS = {
    spec.name: spec
    for spec in (
        DatasetSpec(
            'hmdb51',
            read_hmdb51,
            51,
            dict.fromkeys((1, 2, 3), (3570, 1530)),
            divide_groups=True,
            decode='all',
        ),
        DatasetSpec(
            'ucf101', read_ucf101, 101, {1: (9537, 3783), 2: (9586, 3734), 3: (9624, 3696)}
        ),
        # class names, and with them class folders, hold blanks
        DatasetSpec(
            'kinetics400', read_kinetics400, 400, any_layout=True, delimiter='\t', suffix=''
        ),
        DatasetSpec('jhmdb21', read_jhmdb21, 21, divide_groups=True, decode='all'),
    )
}


def read_lists(spec: DatasetSpec, folder: Path, split: int) -> OfficialLists:
    """Read the official lists and check that they are complete.

    Returns:
        The lists.

    Raises:
        DatasetError: A list is missing, broken, empty or cut short.
    """
    if not folder.is_dir():
        raise DatasetError(
            f'{folder}: no such folder; name the one with the official {spec.name} lists'
        )
    lists = spec.read(folder, split)
    for part, clips in (('training', lists.train), ('test', lists.test)):
        if not clips:
            raise DatasetError(f'{folder}: the lists name no {part} clips')
    if len(lists.classes) != spec.num_classes:
        raise DatasetError(
            f'{folder}: the lists name {len(lists.classes)} classes, {spec.name} has '
            f'{spec.num_classes}: a list is incomplete; download the official lists again'
        )
    return lists


def check_sizes(spec: DatasetSpec, lists: OfficialLists, split: int) -> None:
    """Compare the numbers of clips with the official ones.

    Raises:
        DatasetError: They differ: a list was cut short or edited.
    """
    found = (len(lists.train), len(lists.test))
    official = spec.sizes.get(split, found)
    if found != official:
        raise DatasetError(
            f'{lists.files[-1].parent}: the lists of split {split} name {found[0]} training and '
            f'{found[1]} test clips, the official ones {official[0]} and {official[1]}: a list is '
            'cut short or edited; download the official lists again'
        )
