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
WHOLE = 'trainval'
SHOWN_FINDINGS = 20


@dataclass(frozen=True)
class Prepared:
    """What was written.

    Attributes:
        splits: ``train``, ``val`` (but with a share of 0) and ``test``, to their clips.
        findings: Everything that was found, notes included.
        left_out: Number of clips that were left out.
        report: The report file.
    """

    splits: dict[str, tuple[Clip, ...]]
    findings: tuple[Finding, ...]
    left_out: int
    report: Path = field(compare=False)


def prepare_dataset(
    dataset: str | DatasetSpec,
    out: Path,
    lists: Path | None = None,
    videos: Path | None = None,
    split: int = 1,
    val_share: float = 0.1,
    seed: int = 0,
    workers: int = 2,
    missing: str = 'fail',
    decode: str | None = None,
    delimiter: str | None = None,
    say: Callable[[str], object] = print,
) -> Prepared:
    """Verify a data set and write its lists, class names and a report.

    Written to ``out``: ``{train,val,test,trainval}_split<n>.txt`` (Kinetics-400, which has no
    numbered splits: ``train.txt``, ...), ``label_map.txt`` (class names by label), ``report.json``
    and, if the videos lie elsewhere, the link ``videos``. ``trainval`` is the official training
    list, whatever is held out of it. The annotation files appear together at the end, or not at
    all; the report also after a failed check. What is held out depends on the official lists and
    the seed, not on which videos are there.

    Args:
        dataset: Name in ``SPECS``, or a description.
        out: Folder of the annotation files.
        lists: Folder of the official lists; default ``<out>/annotations``.
        videos: Folder of the videos; default ``<out>/videos``. Another one is linked to there.
        split: Number of the official split.
        val_share: Share of the training clips to hold out for validation. With 0 there is no list
            ``val``; one of an earlier run is removed.
        seed: Seed of what is held out.
        workers: Processes that check videos.
        missing: ``'fail'``: write no annotation file if a video is missing or broken; ``'drop'``:
            leave it out.
        decode: How deep to check videos (``'first'``, ``'all'``, ``'none'``); default: the data
            set's.
        delimiter: Separator of path and label; default: the data set's.
        say: Shows a line of text to the user.

    Raises:
        DatasetError: An option is not sound, or the lists are wrong; with ``missing='fail'`` also
            if a video is.
    """
    one_of(missing, ('fail', 'drop'), '--missing', DatasetError)
    one_of(decode, (*DECODE, None), '--decode', DatasetError)
    number(workers, '--workers', 1, whole=True)
    spec = SPECS[dataset] if isinstance(dataset, str) else dataset
    decode = decode or spec.decode
    videos = videos or out / 'videos'
    given = read_lists(spec, lists or out / 'annotations', split)
    if not videos.is_dir():
        raise DatasetError(f'{videos}: no such folder of videos; name yours with --videos')
    _needs_link(out / 'videos', videos)
    try_folder(out)
    if spec.any_layout:
        found = locate([*given.train, *given.test], videos)
        first = len(given.train)
        given = replace(given, train=found[:first], test=found[first:])

    settings = dict(
        dataset=spec.name,
        split=split,
        val_share=val_share,
        seed=seed,
        classes=len(given.classes),
        checked=dict(decode=decode, decoder=None if decode == 'none' else decoder_name()),
        lists=[file_identity(path) for path in given.files],
    )
    report = _Report(out / REPORT_NAME, settings, say)
    listed = dict(train=given.train, test=given.test)
    findings = check_entries(listed, spec.num_classes)
    wrong = [finding for finding in findings if finding.kind in LIST_KINDS]
    if wrong:
        folder, remedy = given.files[0].parent, 'download the official lists again'
        what = 'wrong entries of the lists'
        raise report.failure(f'{folder}: {len(wrong)} {what}', wrong, listed, findings, remedy)
    check_sizes(spec, given, split)
    parts = hold_out(_once(given.train), val_share, seed, divide_groups=spec.divide_groups)
    official = dict(train=parts.train, val=parts.val, test=_once(given.test))
    if not val_share:
        del official['val']
    say(f'{spec.name}: checking {sum(map(len, official.values()))} videos (--decode {decode})')
    findings += check_files(official, videos, decode, workers)
    bad = [finding for finding in findings if finding.kind in CLIP_KINDS]
    unusable = {finding.name for finding in bad if finding.kind != 'duplicate'}
    splits = {
        split: tuple(clip for clip in clips if clip.path not in unusable)
        for split, clips in official.items()
    }
    findings += _notes(given, parts, splits)
    if bad and missing == 'fail':
        what, remedy = 'clips cannot be used', 'mend them, or leave them out with --missing drop'
        raise report.failure(f'{videos}: {len(bad)} {what}', bad, official, findings, remedy)
    report.show(findings)
    empty = [split for split, clips in splits.items() if not clips]
    content = report.content(official, findings, splits)
    if empty:
        write_json(report.path, content)
        raise DatasetError(
            f'{videos}: no usable clip is left for {", ".join(empty)}; all that is wrong is in '
            f'{report.path}; no annotation file was written'
        )
    whole = [clip for clip in _once(given.train) if clip.path not in unusable]
    suffix = spec.suffix.format(split=split)
    delimiter = spec.delimiter if delimiter is None else delimiter
    contents: dict[str, Any] = {
        f'{split}{suffix}.txt': format_lines(clips, delimiter)
        for split, clips in {**splits, WHOLE: whole}.items()
    }
    contents[LABEL_MAP_NAME] = ''.join(f'{name}\n' for name in given.classes)
    contents[REPORT_NAME] = content
    outdated = () if val_share else (f'val{suffix}.txt',)
    _write_together(out, contents, outdated, last=lambda: _link_videos(out / 'videos', videos))
    for part, clips in splits.items():
        lacking = len(official[part]) - len(clips)
        say(f'{part}: {len(clips)} clips' + (f' ({lacking} left out)' if lacking else ''))
    say(f'{WHOLE}: {len(whole)} clips, all that can be used of the official training list')
    return Prepared(splits, tuple(findings), len(bad), report.path)


@dataclass(frozen=True)
class _Report:
    path: Path
    settings: Mapping[str, Any]
    say: Callable[[str], object]

    def content(
        self,
        official: Mapping[str, Sequence[Clip]],
        findings: Sequence[Finding],
        splits: Mapping[str, Sequence[Clip]],
    ) -> dict[str, Any]:
        """``splits`` is empty where no annotation file is written."""
        clips = {
            split: dict(listed=len(clips), written=len(splits.get(split, ())))
            for split, clips in official.items()
        }
        found = [asdict(finding) for finding in findings]
        return dict(self.settings, written=bool(splits), clips=clips, findings=found)

    def show(self, findings: Sequence[Finding]) -> None:
        for finding in findings[:SHOWN_FINDINGS]:
            self.say(f'  {finding}')
        rest = findings[SHOWN_FINDINGS:]
        if rest:
            self.say(f'  and {len(rest)} more ({count_kinds(rest)}): {self.path}')

    def failure(
        self,
        what: str,
        wrong: Sequence[Finding],
        official: Mapping[str, Sequence[Clip]],
        findings: Sequence[Finding],
        remedy: str,
    ) -> DatasetError:
        """Shows and reports what was found; the error to raise."""
        self.show(findings)
        write_json(self.path, self.content(official, findings, {}))
        return DatasetError(
            f'{what} ({count_kinds(wrong)}), the first: {wrong[0]}; all are in {self.path}; '
            f'{remedy}; no annotation file was written'
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
    folder: Path,
    contents: Mapping[str, str | Mapping[str, Any]],
    outdated: Sequence[str],
    last: Callable[[], object],
) -> None:
    """Write several files; none takes its name, and none that is outdated goes, before all are on
    the disk and ``last`` is done."""
    with writing(folder), tempfile.TemporaryDirectory(dir=folder, prefix='.new.') as scratch:
        for name, content in contents.items():
            write = write_text if isinstance(content, str) else write_json
            write(Path(scratch) / name, content)
        last()
        for name in outdated:
            (folder / name).unlink(missing_ok=True)
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
