"""From official split lists to MMAction2's annotation files."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..annotations.official_lists import SPECS, DatasetSpec, check_sizes, read_lists
from ..annotations.video_lists import Clip, OfficialLists, format_lines
from ..utils.errors import DatasetError, writing
from ..utils.files import try_folder, write_json, write_text
from ..utils.identity import file_identity
from ..utils.numbers import number, one_of
from ..video.source_video import DECODE, decoder_name
from .holdout import HoldOut, hold_out
from .verify import CLIP_KINDS, LIST_KINDS, Finding, check_entries, check_files, count_kinds, locate

REPORT_NAME = 'report.json'
LABEL_MAP_NAME = 'label_map.txt'
SHOWN_FINDINGS = 20


@dataclass(frozen=True)
class PrepareOptions:
    """What to read, and where to write.

    Attributes:
        out: Folder of the annotation files.
        lists: Folder of the official lists; default ``<out>/annotations``.
        videos: Folder of the videos; default ``<out>/videos``. Another one is linked to there.
        split: Number of the official split.
        val_share: Share of the training clips to hold out for validation.
        seed: Seed of what is held out.
        workers: Processes that check videos.
        missing: ``'fail'``: write no annotation file if a video is missing or broken; ``'drop'``:
            leave it out.
        decode: How deep to check videos (``'first'``, ``'all'``, ``'none'``); default: the data
            set's.
        delimiter: Separator of path and label; default: the data set's.
    """

    out: Path
    lists: Path | None = None
    videos: Path | None = None
    split: int = 1
    val_share: float = 0.1
    seed: int = 0
    workers: int = 2
    missing: str = 'fail'
    decode: str | None = None
    delimiter: str | None = None

    def __post_init__(self) -> None:
        one_of(self.missing, ('fail', 'drop'), '--missing', DatasetError)
        one_of(self.decode, (*DECODE, None), '--decode', DatasetError)
        number(self.workers, '--workers', 1, whole=True)


@dataclass(frozen=True)
class Prepared:
    """What was written.

    Attributes:
        splits: Split name to its clips.
        findings: Everything that was found, notes included.
        left_out: Number of clips that were left out.
        report: The report file.
    """

    splits: dict[str, tuple[Clip, ...]]
    findings: tuple[Finding, ...]
    left_out: int
    report: Path = field(compare=False)


def prepare_dataset(
    dataset: str | DatasetSpec, options: PrepareOptions, say: Callable[[str], object] = print
) -> Prepared:
    """Verify a data set and write ``train``, ``val``, ``test`` lists, class names and a report.

    Written to ``options.out``: ``{train,val,test}_split<n>.txt`` (Kinetics-400, which has no
    numbered splits: ``{train,val,test}.txt``), ``label_map.txt`` (class names by label),
    ``report.json`` and, if the videos lie elsewhere, the link ``videos``. The annotation files
    appear together at the end, or not at all; the report also after a failed check. What is held
    out depends on the official lists and the seed, not on which videos are there.

    Args:
        dataset: Name in ``SPECS``, or a description.
        options: What to read, and where to write.
        say: Shows a line of text to the user.

    Raises:
        DatasetError: The lists are wrong; with ``missing='fail'`` also if a video is.
    """
    spec = SPECS[dataset] if isinstance(dataset, str) else dataset
    out = Path(options.out)
    videos = Path(options.videos or out / 'videos')
    lists = read_lists(spec, Path(options.lists or out / 'annotations'), options.split)
    if not videos.is_dir():
        raise DatasetError(f'{videos}: no such folder of videos; name yours with --videos')
    _needs_link(out / 'videos', videos)
    try_folder(out)
    if spec.any_layout:
        found = locate([*lists.train, *lists.test], videos)
        first = len(lists.train)
        lists = replace(lists, train=found[:first], test=found[first:])

    job = _Job(spec, options, lists, out / REPORT_NAME, say)
    listed = dict(train=lists.train, test=lists.test)
    findings = check_entries(listed, spec.num_classes)
    wrong = [finding for finding in findings if finding.kind in LIST_KINDS]
    if wrong:
        raise job.failure(
            lists.files[0].parent, 'wrong entries of the lists', wrong, listed, findings
        )
    check_sizes(spec, lists, options.split)
    parts = hold_out(
        _once(lists.train), options.val_share, options.seed, divide_groups=spec.divide_groups
    )
    official = dict(train=parts.train, val=parts.val, test=_once(lists.test))
    say(f'{spec.name}: checking {sum(map(len, official.values()))} videos (--decode {job.decode})')
    findings += check_files(official, videos, job.decode, options.workers)
    bad = [finding for finding in findings if finding.kind in CLIP_KINDS]
    unusable = {finding.name for finding in bad if finding.kind != 'duplicate'}
    splits = {
        split: tuple(clip for clip in clips if clip.path not in unusable)
        for split, clips in official.items()
    }
    findings += _notes(lists, parts, splits)
    if bad and options.missing == 'fail':
        remedy = 'mend them, or leave them out with --missing drop'
        raise job.failure(videos, 'clips cannot be used', bad, official, findings, remedy)
    job.show(findings)
    empty = [split for split, clips in splits.items() if not clips]
    report = job.content(official, findings, splits)
    if empty:
        write_json(job.report, report)
        raise DatasetError(
            f'{videos}: no usable clip is left for {", ".join(empty)}; all that is wrong is in '
            f'{job.report}; no annotation file was written'
        )
    suffix = spec.suffix.format(split=options.split)
    delimiter = spec.delimiter if options.delimiter is None else options.delimiter
    contents: dict[str, Any] = {
        f'{split}{suffix}.txt': format_lines(clips, delimiter) for split, clips in splits.items()
    }
    contents[LABEL_MAP_NAME] = ''.join(f'{name}\n' for name in lists.classes)
    contents[REPORT_NAME] = report
    _write_together(out, contents, last=lambda: _link_videos(out / 'videos', videos))
    for split, clips in splits.items():
        lacking = len(official[split]) - len(clips)
        say(f'{split}: {len(clips)} clips' + (f' ({lacking} left out)' if lacking else ''))
    return Prepared(splits, tuple(findings), len(bad), job.report)


@dataclass(frozen=True)
class _Job:
    spec: DatasetSpec
    options: PrepareOptions
    lists: OfficialLists
    report: Path
    say: Callable[[str], object]

    @property
    def decode(self) -> str:
        return self.options.decode or self.spec.decode

    def content(
        self,
        official: dict[str, Sequence[Clip]],
        findings: Sequence[Finding],
        splits: dict[str, Sequence[Clip]] | None,
    ) -> dict[str, Any]:
        """Of the report; ``splits`` is None where no annotation file is written."""
        decode, options = self.decode, self.options
        return dict(
            dataset=self.spec.name,
            split=options.split,
            val_share=options.val_share,
            seed=options.seed,
            classes=len(self.lists.classes),
            written=splits is not None,
            clips={
                split: dict(listed=len(clips), written=len(splits[split]) if splits else 0)
                for split, clips in official.items()
            },
            checked=dict(decode=decode, decoder=None if decode == 'none' else decoder_name()),
            lists=[file_identity(path) for path in self.lists.files],
            findings=[asdict(finding) for finding in findings],
        )

    def show(self, findings: Sequence[Finding]) -> None:
        for finding in findings[:SHOWN_FINDINGS]:
            self.say(f'  {finding}')
        if len(findings) > SHOWN_FINDINGS:
            rest = findings[SHOWN_FINDINGS:]
            self.say(f'  and {len(rest)} more ({count_kinds(rest)}): {self.report}')

    def failure(
        self,
        place: Path,
        what: str,
        wrong: Sequence[Finding],
        official: dict[str, Sequence[Clip]],
        findings: Sequence[Finding],
        remedy: str = 'download the official lists again',
    ) -> DatasetError:
        """Shows and reports what was found; the error to raise."""
        self.show(findings)
        write_json(self.report, self.content(official, findings, None))
        return DatasetError(
            f'{place}: {len(wrong)} {what} ({count_kinds(wrong)}), the first: {wrong[0]}; all are '
            f'in {self.report}; {remedy}; no annotation file was written'
        )


def _once(clips: Sequence[Clip]) -> tuple[Clip, ...]:
    """Of an entry that is listed twice, the first one."""
    kept: dict[str, Clip] = {}
    for clip in clips:
        kept.setdefault(clip.path, clip)
    return tuple(kept.values())


def _notes(
    lists: OfficialLists, parts: HoldOut, splits: dict[str, tuple[Clip, ...]]
) -> list[Finding]:
    divided = (
        'its clips are in train and in val: no group of the class is small enough to be held out '
        'whole'
    )
    alone = 'all its training clips are one group'
    notes = [Finding('divided group', 'val', name, divided) for name in parts.divided]
    notes += [Finding('no validation clip', 'val', name, alone) for name in parts.not_held_out]
    for split, clips in splits.items():
        absent = set(lists.classes) - {clip.class_name for clip in clips}
        if split == 'val':
            absent -= set(parts.not_held_out)
        notes += [
            Finding('class without clips', split, name, 'the list names none that can be used')
            for name in sorted(absent)
        ]
    return notes


def _write_together(
    folder: Path, contents: Mapping[str, str | Mapping[str, Any]], last: Callable[[], object]
) -> None:
    """Write several files; none takes its name before all are on the disk and ``last`` is done."""
    with writing(folder), tempfile.TemporaryDirectory(dir=folder, prefix='.new.') as scratch:
        for name, content in contents.items():
            write = write_text if isinstance(content, str) else write_json
            write(Path(scratch) / name, content)
        last()
        for name in contents:
            os.replace(Path(scratch) / name, folder / name)


def _needs_link(link: Path, videos: Path) -> bool:
    """Whether ``<out>/videos``, where the configs look, must be made to lead to the videos."""
    if os.path.realpath(link) == os.path.realpath(videos):
        return False
    if os.path.lexists(link) and not link.is_symlink():
        raise DatasetError(
            f'{link}: a folder of its own is there already, and the configs read it: move it away, '
            f'leave out --videos, or name another --out for {videos}'
        )
    return True


def _link_videos(link: Path, videos: Path) -> None:
    """Let ``link`` lead to the folder of videos, in place of where it led before."""
    if _needs_link(link, videos):
        with writing(link):
            temporary = link.with_name(f'.{link.name}.{os.getpid()}')
            temporary.symlink_to(videos.resolve(), target_is_directory=True)
            os.replace(temporary, link)
