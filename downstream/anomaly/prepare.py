"""UCF-Crime made ready: its lists checked against each other and the videos, then written."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import filled_lines, write_json, write_text

from .annotations import AnomalyVideo, read_annotation

TRAIN, TEST = 'Anomaly_Train.txt', 'Anomaly_Test.txt'
EVENTS = 'Temporal_Anomaly_Annotation_for_Testing_Videos.txt'
FRAMES = 'UCF_Annotation_with_frame_counts.txt'
OFFICIAL = dict(train=(1610, 810), test=(290, 140), frames=1_111_808, anomalous=84_331)
"""Videos and anomalous ones of each split; frames and anomalous ones of the test videos."""


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
    paths = {Path(path).stem: path for path, *_ in rows}
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
        kept = ''.join(f'{_row(path, video)}\n' for path, video in rows if path not in absent)
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


def _row(path: str, video: AnomalyVideo) -> str:
    frames = f' {video.num_frames}' if video.num_frames else ''
    numbers = [str(n) for event in video.events or () for n in event]
    if video.events is not None and not numbers:
        numbers = ['-1', '-1']
    return f'{path}{frames} {video.category} {" ".join(numbers)}'.rstrip()
