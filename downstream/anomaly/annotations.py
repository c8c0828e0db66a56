"""Which videos there are, whether they are anomalous, and when: the lists of UCF-Crime."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import filled_lines, write_json, write_text
from albar_mm.utils.video_ids import VIDEO_SUFFIXES, id_of

from .functional import TOLERANCE, frame_ground_truth

NORMAL = 'Normal'
TRAIN, TEST = 'Anomaly_Train.txt', 'Anomaly_Test.txt'
EVENTS = 'Temporal_Anomaly_Annotation_for_Testing_Videos.txt'
FRAMES = 'UCF_Annotation_with_frame_counts.txt'
OFFICIAL = dict(train=(1610, 810), test=(290, 140), frames=1_111_808, anomalous=84_331)
"""Videos and anomalous ones of each split; frames and anomalous ones of the test videos."""
_NO_EVENT = '-1'
_CATEGORY = re.compile(r'[^\W\d_]+')
_KIND = re.compile(rf'{_CATEGORY.pattern}[\w-]*')


@dataclass(frozen=True)
class AnomalyVideo:
    """A video of an anomaly data set.

    Attributes:
        video_id: File name without folder and suffix.
        category: Kind of anomaly, as ``'Arson'``, or ``'Normal'``.
        events: First and last frame of each event, as the annotation counts them; None where it
            says nothing of when, as in training.
        num_frames: Frames of the video, where the annotation tells.
    """

    video_id: str
    category: str
    events: tuple[tuple[int, int], ...] | None = None
    num_frames: int | None = None

    @property
    def is_anomalous(self) -> bool:
        """Whether anything anomalous happens in it: the label of training."""
        return self.category != NORMAL

    def check_length(self, num_frames: int) -> None:
        """Refuse a video that is not the one that was annotated.

        Args:
            num_frames: Frames of the video at hand.

        Raises:
            DatasetError: The annotation tells another number of frames.
        """
        if self.num_frames not in (None, num_frames):
            raise DatasetError(
                f'video {self.video_id!r} has {num_frames} frames, its annotation says '
                f'{self.num_frames}: another cut of the video, or another frame rate'
            )

    def truth(
        self, num_frames: int, first_frame: int = 0, tolerance: int = TOLERANCE
    ) -> tuple[np.ndarray, list[str]]:
        """Which of its frames are anomalous.

        Args:
            num_frames: Frames of the video at hand.
            first_frame: See :func:`~.functional.frame_ground_truth`.
            tolerance: See there.

        Returns:
            bool, shape (N,), and a line for each event that was cut at the end of the video.

        Raises:
            DatasetError: It has no events, or they do not fit the video; the message names it.
        """
        if self.events is None:
            raise DatasetError(
                f'video {self.video_id!r}: its annotation does not say when anything happens; '
                'frame-level scores need that'
            )
        self.check_length(num_frames)
        try:
            truth = frame_ground_truth(num_frames, self.events, first_frame, tolerance)
        except ValueError as error:
            raise DatasetError(f'video {self.video_id!r}: {error}') from error
        return truth, [
            f'{self.video_id}: event ends at {end}, the video has {num_frames} frames'
            for _, end in self.events
            if end - first_frame >= num_frames
        ]


def read_annotation(path: str | os.PathLike) -> list[AnomalyVideo]:
    """Read a list of videos.

    Of each line, words between blanks, three kinds are read:

    - ``Abuse/Abuse001_x264.mp4``: a path, as in the lists of training videos. The kind is the word
      that its name begins with, see :func:`category_of`.
    - ``Abuse028_x264.mp4  Abuse  165  240  -1  -1``: with the kind, and the first and last frame of
      each event; -1 stands for none. Any number of events.
    - ``Abuse/Abuse028_x264.mp4 1412 Abuse 165 240 -1 -1``: with the number of frames as well.

    Features (``..._i3d.npy``) are not listed so: see ``tools/downstream.py import``.

    Args:
        path: The list.

    Returns:
        The videos, in the order of the list.

    Raises:
        DatasetError: The list cannot be read, is empty, names a video twice, or a line is none of
            these, or says less than those before; the message names the line.
    """
    found: dict[str, tuple[str, AnomalyVideo]] = {}
    with_kinds: set[bool] = set()
    for where, line in filled_lines(path):
        words = line.split()
        with_kinds.add(any(not word.isdecimal() for word in words[1:]))
        try:
            video = _row(words)
            if video.video_id in found:
                before = found[video.video_id][0].rpartition(':')[2]
                raise ValueError(f'{video.video_id!r} is listed in line {before} already')
            if len(with_kinds) > 1:
                raise ValueError('expected a kind behind the path in all lines or in none')
        except (ValueError, DatasetError) as error:
            raise DatasetError(f'{where}: {line!r:.80}: {error}') from error
        found[video.video_id] = where, video
    if not found:
        raise DatasetError(f'{path}: lists no video')
    return [video for _, video in found.values()]


def _row(words: list[str]) -> AnomalyVideo:
    video_id = id_of(words[0])
    if ',' in video_id and Path(words[0]).suffix.lower() not in VIDEO_SUFFIXES:
        raise ValueError('expected words between blanks, not commas, and no heading')
    if len(words) == 1:
        return AnomalyVideo(video_id, category_of(video_id))
    frames = int(words.pop(1)) if words[1].isdecimal() else None
    if frames == 0:
        raise ValueError('0 frames; expected at least 1')
    category, numbers = (words[1], words[2:]) if len(words) > 1 else (category_of(video_id), [])
    if not _KIND.fullmatch(category):
        raise ValueError(
            f'{category!r} is no kind of anomaly; expected a path, or a path, a kind '
            'and the first and last frame of each event (-1 for none)'
        )
    events = _events(numbers) if numbers else None
    if category_of(category) == NORMAL:
        category = NORMAL
    if events is not None and bool(events) == (category == NORMAL):
        raise ValueError(
            f'{category} with {len(events)} events; a normal video has none, an '
            'anomalous one at least one'
        )
    return AnomalyVideo(video_id, category, events, frames)


def _events(numbers: list[str]) -> tuple[tuple[int, int], ...]:
    if len(numbers) % 2:
        raise ValueError(
            f'{len(numbers)} frame numbers; expected a first and a last frame of each event'
        )
    events = []
    for start, end in zip(numbers[::2], numbers[1::2], strict=True):
        if start == end == _NO_EVENT:
            continue
        if not (start.isdecimal() and end.isdecimal()) or int(end) < int(start):
            raise ValueError(
                f'event {start:.20} to {end:.20}; expected its first and last frame, or -1 -1'
            )
        events.append((int(start), int(end)))
    return tuple(events)


def category_of(name: str) -> str:
    """Kind of anomaly by a name of UCF-Crime: the letters that it begins with.

    Args:
        name: As ``'Abuse001_x264'``, ``'Normal_Videos001_x264'``,
            ``'Testing_Normal_Videos_Anomaly'``.

    Raises:
        ValueError: The name does not begin with a letter, or tells of normal or abnormal
            elsewhere, so that its first word may not be what counts.
    """
    found, normal = _CATEGORY.match(name), NORMAL.lower()
    if found is None:
        raise ValueError(
            f'{name!r} does not begin with a kind of anomaly; write it behind the path'
        )
    kind, rest = found[0].lower(), name[found.end() :].lower()
    if kind in ('training', 'testing') and rest.startswith(f'_{normal}_'):
        return NORMAL
    if normal in rest or kind != normal and kind.startswith(normal):
        raise ValueError(
            f'{name!r} may be normal or not; write {NORMAL}, or the kind of anomaly as one word, '
            'behind the path'
        )
    return NORMAL if kind == normal else found[0]


def prepare_ucf_crime(
    lists: str | os.PathLike,
    out: str | os.PathLike,
    videos: str | os.PathLike | None = None,
    missing: str = 'fail',
    official: Mapping = OFFICIAL,
) -> tuple[list[str], list[str]]:
    """Check the lists of UCF-Crime against each other and the videos, and write annotation files.

    ``train.txt`` (path and kind of each training video), ``test.txt`` (path, number of frames where
    it is known, kind and events of each test video) and ``report.json``. Paths are those of the
    official lists.

    Args:
        lists: Folder of ``Anomaly_Train.txt``, ``Anomaly_Test.txt`` and the temporal annotation;
            with ``UCF_Annotation_with_frame_counts.txt``, frames are checked too.
        out: Folder to write to.
        videos: Folder that the paths of the lists start at; None: videos are not looked for.
        missing: With videos that are not there: ``'fail'`` writes nothing; ``'drop'`` leaves them
            out and lists them.
        official: Counts to check, see :data:`OFFICIAL`.

    Returns:
        Lines for the terminal, and the videos that were left out.

    Raises:
        DatasetError: A list is missing or broken, lists contradict each other or the official
            counts, or videos are missing.
    """
    lists, out = Path(lists), Path(out)
    found = dict(train=read_annotation(lists / TRAIN), test=read_annotation(lists / EVENTS))
    _check_lists(lists, found, read_annotation(lists / TEST), official)
    rows = (line.split() for name in (TRAIN, TEST) for _, line in filled_lines(lists / name))
    paths = {id_of(path): path for path, *_ in rows}
    lines = [
        f'{split}: {len(each)} videos, {sum(v.is_anomalous for v in each)} anomalous'
        for split, each in found.items()
    ]
    report: dict = dict(videos={split: len(each) for split, each in found.items()})
    if (lists / FRAMES).is_file():
        found['test'] = with_lengths(found['test'], read_annotation(lists / FRAMES))
        lines += _check_frames(found['test'], report, official)
    absent: list[str] = []
    if videos is not None:
        if not Path(videos).is_dir():
            raise DatasetError(f'{videos}: no such folder of videos')
        listed = (paths[video.video_id] for each in found.values() for video in each)
        absent = [path for path in listed if not (Path(videos) / path).is_file()]
    if absent and missing == 'fail':
        raise DatasetError(
            f'{videos}: lacks {len(absent)} videos, as {absent[0]}: add them, or '
            'leave them out (--missing drop)'
        )
    if absent:
        lines.append(f'{len(absent)} videos are not there, as {absent[0]}: left out')
    report['left_out'] = absent
    for split, each in found.items():
        rows = ((paths[video.video_id], video) for video in each)
        kept = ''.join(f'{_line(path, video)}\n' for path, video in rows if path not in absent)
        write_text(out / f'{split}.txt', kept)
    write_json(out / 'report.json', report)
    return [*lines, f'{out}: train.txt, test.txt, report.json'], absent


def with_lengths(
    videos: Sequence[AnomalyVideo], annotated: Sequence[AnomalyVideo]
) -> list[AnomalyVideo]:
    """Videos with the number of frames that another list tells.

    Args:
        videos: The videos.
        annotated: The same with numbers of frames, in any order.

    Raises:
        DatasetError: The other list lacks a video, or its number of frames, or has other events.
    """
    by_id = {video.video_id: video for video in annotated}
    found = []
    for video in videos:
        other = by_id.get(video.video_id)
        if other is None or other.num_frames is None:
            raise DatasetError(
                f'video {video.video_id!r}: the other list does not tell its number of frames'
            )
        if (other.events, other.category) != (video.events, video.category):
            raise DatasetError(
                f'video {video.video_id!r}: {video.category} {video.events} in one '
                f'list, {other.category} {other.events} in the other'
            )
        found.append(replace(video, num_frames=other.num_frames))
    return found


def _check_lists(
    lists: Path,
    found: Mapping[str, Sequence[AnomalyVideo]],
    test: Sequence[AnomalyVideo],
    official: Mapping,
) -> None:
    ids = {video.video_id for video in test}
    other = ids ^ {video.video_id for video in found['test']}
    if other:
        raise DatasetError(
            f'{lists}: {len(other)} videos are in one of {TEST} and {EVENTS} alone, '
            f'as {min(other)!r}'
        )
    both = ids & {video.video_id for video in found['train']}
    if both:
        raise DatasetError(
            f'{lists}: {len(both)} videos are in {TRAIN} and in {TEST}, as {min(both)!r}'
        )
    for split, each in found.items():
        counts = len(each), sum(video.is_anomalous for video in each)
        if counts != tuple(official[split]):
            raise DatasetError(
                f'{lists}: {counts[0]} {split} videos, {counts[1]} of them anomalous; UCF-Crime '
                f'has {official[split][0]} and {official[split][1]}: another version, or lines '
                'are lost'
            )


def _check_frames(videos: Sequence[AnomalyVideo], report: dict, official: Mapping) -> list[str]:
    truths, cuts = zip(*(video.truth(video.num_frames) for video in videos), strict=True)
    frames, positives = sum(map(len, truths)), sum(int(truth.sum()) for truth in truths)
    clipped = [event for cut in cuts for event in cut]
    if (frames, positives) != (official['frames'], official['anomalous']):
        raise DatasetError(
            f'{FRAMES}: {frames} frames, {positives} of them anomalous; UCF-Crime '
            f'has {official["frames"]} and {official["anomalous"]}'
        )
    report.update(frames=frames, anomalous_frames=positives, clipped=clipped)
    return [
        f'test: {frames} frames, {positives} anomalous; {len(clipped)} events end up to three '
        'frames past their video and are cut there:',
        *(f'  {each}' for each in clipped),
    ]


def _line(path: str, video: AnomalyVideo) -> str:
    frames = f' {video.num_frames}' if video.num_frames else ''
    numbers = [str(n) for event in video.events or () for n in event]
    if video.events is not None and not numbers:
        numbers = ['-1', '-1']
    return f'{path}{frames} {video.category} {" ".join(numbers)}'.rstrip()
