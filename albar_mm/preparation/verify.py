"""Where videos lie, and what can be wrong with lists and files, each as one finding."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..annotations.video_lists import Clip
from ..utils.parallel import map_videos
from ..video.source_video import check_video

#: wrong lists, which leaving clips out does not mend
LIST_KINDS = ('label', 'overlap')
#: clips that ``--missing drop`` leaves out
CLIP_KINDS = ('duplicate', 'missing', 'truncated', 'undecodable', 'zero-frame')


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        kind: One of the kinds above, or of a note, where nothing is wrong: ``divided group``,
            ``no validation clip``, ``class without clips``.
        split: ``'train'``, ``'val'``, ``'test'`` or ``''``.
        name: Path of the video, or name of a class or group.
        detail: What exactly, and where.
    """

    kind: str
    split: str
    name: str
    detail: str

    def __str__(self) -> str:
        return f'{self.kind}: {self.split}{" " if self.split else ""}{self.name}: {self.detail}'


def check_entries(splits: Mapping[str, Sequence[Clip]], num_classes: int) -> list[Finding]:
    """Find labels out of range, entries that are listed twice, and overlapping splits.

    Returns:
        Findings of kind ``label``, ``duplicate`` and ``overlap``, in the order of the lists.
    """
    findings = []
    first: dict[str, tuple[str, Clip]] = {}
    for split, clips in splits.items():
        for clip in clips:
            if not 0 <= clip.label < num_classes:
                detail = f'label {clip.label} in {clip.origin}, expected 0 to {num_classes - 1}'
                findings.append(Finding('label', split, clip.path, detail))
            seen_in, seen = first.setdefault(clip.path, (split, clip))
            if seen is clip:
                continue
            kind = 'duplicate' if seen_in == split else 'overlap'
            detail = f'in {clip.origin}, and already in {seen.origin}'
            findings.append(Finding(kind, split, clip.path, detail))
    return findings


def check_files(
    splits: Mapping[str, Sequence[Clip]], videos: Path, decode: str = 'first', workers: int = 2
) -> list[Finding]:
    """Find videos that are missing or cannot be decoded, in parallel.

    Args:
        splits: Split name to its clips.
        videos: Folder that the clips' paths start from.
        decode: See :func:`albar_mm.video.source_video.check_video`.
        workers: Number of processes.

    Returns:
        Findings of kind ``missing``, ``truncated``, ``undecodable`` and ``zero-frame``, in the
        order of the lists.
    """
    entries = list({clip.path: split for split, clips in splits.items() for clip in clips}.items())
    paths = [os.path.join(videos, path) for path, _ in entries]
    results = map_videos(
        partial(check_video, decode=decode),
        paths,
        workers,
        crashed=lambda path: ('undecodable', 'the decoder crashed on it'),
        chunk=16,
    )
    return [
        Finding(result[0], split, path, result[1])
        for (path, split), result in zip(entries, results, strict=True)
        if result is not None
    ]


def count_kinds(findings: Sequence[Finding]) -> str:
    """``'2 missing, 1 undecodable'``, in the order in which the kinds first appear."""
    counts = Counter(finding.kind for finding in findings)
    return ', '.join(f'{number} {kind}' for kind, number in counts.items())


def locate(clips: Sequence[Clip], videos: Path) -> tuple[Clip, ...]:
    """Give every clip of Kinetics the path at which its file really lies below a folder: in class
    folders, with blanks or ``_``, in one folder for all, at any depth.

    A file belongs to a clip by its name alone, which holds the YouTube id and both times. Where the
    same name lies in several folders, a folder with the name of the class comes first.

    Args:
        clips: Clips with paths ``<class>/<name>.mp4``.
        videos: Folder to search.

    Returns:
        The clips in the same order; one without a file keeps its path.
    """
    places: dict[str, list[str]] = {}
    for place in _files(videos):
        places.setdefault(place.rpartition('/')[2], []).append(place)

    def located(clip: Clip) -> Clip:
        found = sorted(
            places.get(clip.path.rpartition('/')[2], [clip.path]),
            key=lambda place: (_plain(clip.class_name) not in map(_plain, place.split('/')), place),
        )
        return replace(clip, path=found[0])

    return tuple(located(clip) for clip in clips)


def _plain(name: str) -> str:
    return name.replace(' ', '_').lower()


def _files(root: Path) -> Iterator[str]:
    seen: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), root).replace(os.sep, '/')
