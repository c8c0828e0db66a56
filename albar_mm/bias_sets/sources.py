"""First stage: what a benchmark is made from, its videos and its settings, and the two files that
tell of them.

The videos are those of a test list, none of them in a training list, that there are masks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import cv2

from ..annotations.official_lists import SPECS, read_lists
from ..annotations.video_lists import read_list
from ..compositing.backgrounds import BackgroundFamily, ImageFolder
from ..compositing.kept import GENERATOR
from ..utils.errors import BadFileError, DatasetError
from ..utils.files import read_json, read_lines, write_json
from ..utils.identity import file_identity
from ..utils.settings import require_same
from ..utils.text import name_some
from ..utils.video_ids import id_of, stem_of
from ..video.source_video import SourceVideo
from .masks.boxes import BoxMasks
from .masks.source import CoverFilter, MaskSource


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


def boxes_inside(source: MaskSource) -> Iterator[BoxMasks]:
    """The files of boxes that a mask source works with, at any depth."""
    if isinstance(source, BoxMasks):
        yield source
    for part in source.parts():
        yield from boxes_inside(part)


def _without_masks(source: MaskSource, video: SourceVideo) -> str:
    try:
        source.files(video)
        for boxes in boxes_inside(source):
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


SETS = {'scuba': 'SCUBA', 'scufo': 'SCUFO', 'conflfg': 'ConflFG'}
"""Set -> its part of the folder name."""
CONFLICT_FAMILY = 'stripe'
"""Background family of Confl-FG."""
BENCHMARK_NAME, REPORT_NAME = 'benchmark.json', 'report.json'


@dataclass(frozen=True)
class BuildSettings:
    """Everything besides the videos that fixes the content of a benchmark.

    Attributes:
        dataset: First part of the folder names, e.g. ``'HMDB51'``.
        families: Background families.
        seed: Seed of all draws.
        per_video: Variants of every source video.
        sets: Some of ``'scuba'``, ``'scufo'``, ``'conflfg'``.
        empty_frames: Policy for frames without a mask.
        encoding: ``'jpeg'``, ``'lossless'``, or ``'none'``: manifests only, to composite on the
            fly.
        masks: Where the masks come from; None only for a plan.
        missing_masks: ``'fail'``, or ``'drop'`` to leave out videos that the mask source has no
            file or boxes for.
        cover_filter: Leaves out videos with too little foreground.
    """

    dataset: str
    families: tuple[BackgroundFamily, ...] = field(repr=False)
    seed: int = 0
    per_video: int = 10
    sets: tuple[str, ...] = tuple(SETS)
    empty_frames: str = 'cut'
    encoding: str = 'jpeg'
    masks: MaskSource | None = None
    missing_masks: str = 'fail'
    cover_filter: CoverFilter | None = None

    def __post_init__(self) -> None:
        striped = CONFLICT_FAMILY in {family.name.lower() for family in self.families}
        given, known = ' '.join(self.sets), ', '.join(SETS)
        for sound, message in (
            (
                self.dataset and self.dataset.replace('-', '').isalnum(),
                f'--name {self.dataset!r}: use letters, digits and hyphens, e.g. HMDB51',
            ),
            (self.per_video >= 1, f'--per-video {self.per_video}: expected 1 or more'),
            (
                self.sets and set(self.sets) <= set(SETS),
                f'--sets {given}: expected some of {known}',
            ),
            (
                striped or 'conflfg' not in self.sets,
                '--sets conflfg: Confl-FG is made on stripes; add stripe to --backgrounds, or '
                'leave conflfg out',
            ),
        ):
            if not sound:
                raise DatasetError(message)

    @property
    def stills(self) -> int:
        """Stills that every source video lends."""
        return self.per_video if 'conflfg' in self.sets else 0

    def identity(self, sources: SourceList) -> dict[str, Any]:
        """Plain JSON that is equal for equal settings and lists."""
        return dict(
            generator=GENERATOR,
            dataset=self.dataset,
            seed=self.seed,
            per_video=self.per_video,
            sets=[name for name in SETS if name in self.sets],
            empty_frames=self.empty_frames,
            encoding=self.encoding,
            backgrounds=[family.identity() for family in self.families],
            masks=self.masks.settings(),
            missing_masks=self.missing_masks,
            cover_filter=asdict(self.cover_filter) if self.cover_filter else None,
            lists=list(sources.lists),
            opencv=cv2.__version__,
        )

    def folders(self) -> dict[tuple[str, str], str]:
        """(set, background in lower case) -> name of the folder."""
        return {
            (name, family.name.lower()): f'{self.dataset}_{SETS[name]}_{family.name}'
            for name in SETS
            for family in self.families
            if name in self.sets and (name != 'conflfg' or family.name.lower() == CONFLICT_FAMILY)
        }


def begin_description(root: Path, identity: dict[str, Any]) -> None:
    """Write ``benchmark.json`` of a build that is not finished.

    Raises:
        DatasetError: ``root`` holds a benchmark of other settings.
    """
    path = root / BENCHMARK_NAME
    if path.is_file():
        advice = 'name another folder with --out, or delete that one'
        require_same(root, _described(path, advice)['settings'], identity, advice)
    write_json(path, dict(complete=False, settings=identity))


def read_description(root: Path) -> dict[str, Any]:
    """Read ``benchmark.json`` of a finished build in the folder ``root``.

    Raises:
        DatasetError: There is none, or the build was not finished.
    """
    advice = 'build one with tools/build_bias_benchmark.py build'
    described = _described(root / BENCHMARK_NAME, advice)
    if not described['complete']:
        raise DatasetError(f'{root}: the build was not finished; run the same command again')
    return described


def write_report(root: Path, settings: BuildSettings) -> dict[str, dict[str, Any]]:
    """Write ``report.json``: background images that were refused.

    Returns:
        Background family -> what :meth:`.ImageFolder.report` says.
    """
    folders = [family for family in settings.families if isinstance(family, ImageFolder)]
    report = {family.name: family.report() for family in folders}
    write_json(root / REPORT_NAME, dict(backgrounds=report))
    return report


def _described(path: Path, advice: str) -> dict[str, Any]:
    try:
        found = read_json(path)
    except DatasetError as error:
        raise BadFileError(f'{error}; {advice}') from error
    if not isinstance(found.get('settings'), dict) or 'complete' not in found:
        raise BadFileError(f'{path}: is not the description of a benchmark; {advice}')
    return found
