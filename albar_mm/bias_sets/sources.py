"""First stage: the videos that a benchmark is made from.

They are those of a test list, none of them in a training list, that there are masks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from ..annotations.official_lists import SPECS, read_lists
from ..annotations.video_lists import read_list
from ..utils.errors import DatasetError
from ..utils.files import read_lines
from ..utils.identity import file_identity
from ..utils.text import name_some
from ..utils.video_ids import id_of, stem_of
from ..video.source_video import SourceVideo
from .masks.boxes import BoxMasks
from .masks.source import MaskSource

_Kind = TypeVar('_Kind', bound=MaskSource)


@dataclass(frozen=True)
class SourceList:
    """The source videos of a benchmark.

    Attributes:
        videos: The videos, sorted by id.
        names: Id -> path of the video below the folder of videos, with ``/``.
        lists: Identity of the files that named them.
        training_lists: Identity of the training lists that were checked to name none of them.
        left_out: ``video`` and ``reason`` of listed videos that are not among ``videos``.
    """

    videos: tuple[SourceVideo, ...]
    names: Mapping[str, str] = field(repr=False)
    lists: tuple[dict[str, Any], ...] = ()
    training_lists: tuple[dict[str, Any], ...] = ()
    left_out: tuple[dict[str, str], ...] = ()

    def without(self, reasons: Mapping[str, str]) -> SourceList:
        """Leave videos out: id -> why."""
        gone = [dict(video=self.names[v], reason=reasons[v]) for v in sorted(reasons)]
        kept = tuple(v for v in self.videos if v.video_id not in reasons)
        return replace(self, videos=kept, left_out=(*self.left_out, *gone))

    def require_some(self) -> None:
        """Raise a ``DatasetError`` if no video is left; it names why."""
        if not self.videos:
            reasons = name_some({entry['reason'] for entry in self.left_out})
            raise DatasetError(f'no source video is left; left out: {reasons}')


def read_source_list(
    list_file: Path,
    video_root: Path,
    label_map: Path | None = None,
    training_lists: Sequence[Path] | None = None,
) -> SourceList:
    """Read a test list of ``path label`` lines, as ``tools/prepare_dataset.py`` writes them.

    Args:
        list_file: The list.
        video_root: Folder of the videos.
        label_map: Class names, one a line; default: ``label_map.txt`` beside the list, if there.
            Without one, the folder of a video names its class.
        training_lists: Lists of training clips, to check for leakage; default: the list's
            siblings with ``train`` and ``val`` instead of ``test`` in their names that exist.

    Raises:
        DatasetError: The list cannot be read or is empty, two videos have one name, or a video
            is a training clip.
    """
    if label_map is None and (list_file.parent / 'label_map.txt').is_file():
        label_map = list_file.parent / 'label_map.txt'
    classes = [line.strip() for line in read_lines(label_map)] if label_map else None
    rows = []
    for origin, path, label in read_list(list_file):
        if label < 0 or (classes is not None and label >= len(classes)):
            told = f'0 to {len(classes) - 1} ({label_map})' if label_map else '0 or more'
            raise DatasetError(f'{origin}: label {label}; expected {told}')
        rows.append((path, label, classes[label] if classes else PurePosixPath(path).parent.name))
    if training_lists is None:
        # lists of clips that models are trained or selected on
        beside = [re.sub('(?<![a-z])test', part, list_file.name) for part in ('train', 'val')]
        siblings = [list_file.with_name(name) for name in beside if name != list_file.name]
        training_lists = [path for path in siblings if path.is_file()]
    trained = {file: [path for _, path, _ in read_list(file)] for file in training_lists}
    return _checked(rows, video_root, [list_file], trained)


def official_sources(dataset: str, lists: Path, video_root: Path, split: int = 1) -> SourceList:
    """Take the official test videos of a split of a data set in ``SPECS`` from its official lists.

    The official training list of the split is checked for leakage.

    Raises:
        DatasetError: As for :func:`read_source_list`, or the official lists are broken.
    """
    official = read_lists(SPECS[dataset], lists, split)
    rows = [(clip.path, clip.label, clip.class_name) for clip in official.test]
    train = {f'the official training list of split {split}': [c.path for c in official.train]}
    found = _checked(rows, video_root, official.files, train)
    return replace(found, training_lists=found.lists)


def require_files(sources: SourceList) -> None:
    """Check that every video is there, before long work.

    Raises:
        DatasetError: One is not; names some.
    """
    missing = [str(v.path) for v in sources.videos if not v.path.is_file()]
    if missing:
        raise DatasetError(
            f'{len(missing)} of {len(sources.videos)} source videos do not exist: '
            f'{name_some(missing)}; name their folder with --videos'
        )


def require_masks(
    source: MaskSource, sources: SourceList, missing_masks: str, what: str = 'source videos'
) -> SourceList:
    """Stop at videos that a mask source has nothing for, or with ``'drop'`` leave them out.

    A video is one of them if its mask files are not there, if a file of boxes does not know it, or
    if its first tube is of another class than its label (UCF101-24 annotates 24 of the 101 classes;
    that rule of the published sets leaves 910 videos of split 1). The videos need not be there.
    ``what`` is what they are called in the message; perhaps none remains.

    Raises:
        DatasetError: Some have no mask; names them and the reason of one.
    """
    reasons = {video.video_id: _without_masks(source, video) for video in sources.videos}
    missing = {video_id: reason for video_id, reason in reasons.items() if reason}
    if missing and missing_masks != 'drop':
        raise DatasetError(
            f'{len(missing)} of {len(sources.videos)} {what} have no mask: {name_some(missing)}; '
            f'the first: {missing[min(missing)]}; to leave them out: --missing-masks drop'
        )
    return sources.without(missing)


def parts_of(source: MaskSource, kind: type[_Kind]) -> Iterator[_Kind]:
    """A mask source and those that it works with, at any depth, as far as they are of a kind."""
    if isinstance(source, kind):
        yield source
    for part in source.parts():
        yield from parts_of(part, kind)


def _without_masks(source: MaskSource, video: SourceVideo) -> str:
    try:
        source.files(video)
        for boxes in parts_of(source, BoxMasks):
            found = boxes.tubes(video)[0].class_name
            if found and video.class_name and found != video.class_name:
                return (
                    f'video {video.video_id}: the first tube in {boxes.path.name} is of class '
                    f'{found}, the video of {video.class_name}'
                )
    except DatasetError as error:
        return str(error)
    return ''


def _checked(
    rows: Iterable[tuple[str, int, str]],
    video_root: Path,
    files: Sequence[Path],
    trained: Mapping[Path | str, Iterable[str]],
) -> SourceList:
    videos: dict[str, SourceVideo] = {}
    names: dict[str, str] = {}
    for path, label, class_name in rows:
        video_id = id_of(path)
        if video_id in videos:
            raise DatasetError(
                f'{files[0]}: {names[video_id]} and {path} would both be {video_id} in the '
                'benchmark; take one out or rename it'
            )
        if PurePosixPath(path).is_absolute() or '..' in PurePosixPath(path).parts:
            raise DatasetError(f'{files[0]}: {path}: expected a path below the folder of videos')
        videos[video_id] = SourceVideo(video_id, video_root / path, label, class_name)
        names[video_id] = path
    for source, paths in trained.items():
        leaked = sorted(videos.keys() & {stem_of(path) for path in paths})
        if leaked:
            raise DatasetError(
                f'{len(leaked)} source videos of {files[0]} are in {source}, which models are '
                f'trained on: {name_some(leaked)}; take the official test list of the split'
            )
    ordered = tuple(videos[video_id] for video_id in sorted(videos))
    checked = tuple(file_identity(path) for path in trained if isinstance(path, Path))
    return SourceList(ordered, names, tuple(file_identity(path) for path in files), checked)
