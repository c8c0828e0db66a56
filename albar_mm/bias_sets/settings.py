"""Settings of a build, and the two files that tell of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2

from ..compositing.backgrounds import BackgroundFamily, ImageFolder
from ..compositing.kept import GENERATOR
from ..utils.errors import BadFileError, DatasetError
from ..utils.files import read_json, write_json
from ..utils.settings import require_same
from .masks.source import CoverFilter, MaskSource
from .sources import SourceList

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
        empty_frames: Policy for frames without a mask, one of :data:`.survey.POLICIES`.
        encoding: ``'jpeg'``, ``'lossless'``, or ``'none'``: manifests only, to composite on the
            fly.
        masks: Where the masks come from; None only for a plan.
        missing_masks: ``'fail'``, or ``'drop'`` to leave out videos that the mask source has no
            file or boxes for.
        cover_filter: Leaves out videos with too little foreground.
        fps: Frames of the sources are kept at this rate; None for every frame.
        published_names: Leave out videos that JHMDB writes with another name than HMDB51.
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
    fps: float | None = None
    published_names: bool = False

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
            fps=self.fps,
            published_names=self.published_names or None,  # as builds that did not know it
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
        found = _described(path, advice)['settings']
        require_same(root, found, identity, _as_before(found, identity) + advice)
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


def _as_before(found: dict[str, Any], identity: dict[str, Any]) -> str:
    """How to go on with an earlier build where it took what is no default any more."""
    options = []
    if found.get('empty_frames') != identity['empty_frames']:
        options.append(f'--empty-frames {found.get("empty_frames")}')
    if found.get('fps') != identity['fps']:
        options.append(f'--fps {found.get("fps") or "native"}')
    actors, wanted = (one.get('masks', {}).get('actors', 'all') for one in (found, identity))
    if actors != wanted:
        options.append(f'--masks boxes:FILE,actors={actors}')
    return f'go on with it by {" ".join(options)}, ' if options else ''


def _described(path: Path, advice: str) -> dict[str, Any]:
    try:
        found = read_json(path)
    except DatasetError as error:
        raise BadFileError(f'{error}; {advice}') from error
    if not isinstance(found.get('settings'), dict) or 'complete' not in found:
        raise BadFileError(f'{path}: is not the description of a benchmark; {advice}')
    return found
