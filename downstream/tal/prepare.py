"""THUMOS14 made ready: the annotation checked, by itself and against the videos."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.utils import track_iter_progress

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import read_json, write_json, write_text

from ..features.readers import choose_reader
from ..features.videos import find_videos
from .annotations import Annotation, SegmentedVideo, read_annotation
from .checks import thumos14_counts

SUBSETS = ('validation', 'test')
OFFICIAL = dict(validation=(200, 3007), test=(212, 3358), classes=20)
"""Annotated videos and actions of each subset. There are 213 test videos with features: one has no
action."""
_FPS_SLACK, _DURATION_SLACK = 0.01, 0.02


def prepare_thumos14(
    annotation: str | os.PathLike,
    out: str | os.PathLike,
    videos: str | os.PathLike | None = None,
    missing: str = 'fail',
    official: Mapping = OFFICIAL,
) -> tuple[list[str], list[str]]:
    """Check the annotation of THUMOS14 and write it where the configs look for it.

    ``thumos14.json`` (as given, less videos that are left out), ``classes.txt`` and ``report.json``
    and, with videos, ``validation.txt`` and ``test.txt``, lists for extracting features.

    Args:
        annotation: ``thumos14.json`` of ActionFormer or TriDet.
        out: Folder to write to.
        videos: Folder of the videos, whose names are the ids; their frame rates are compared. None:
            they are not looked for.
        missing: With annotated videos that are not there: ``'fail'`` writes nothing; ``'drop'``
            leaves them out and lists them.
        official: Counts to check, see :data:`OFFICIAL`.

    Returns:
        Lines for the terminal, and the videos that were left out.

    Raises:
        DatasetError: The annotation is broken or has other counts, or videos are missing.
    """
    out, found = Path(out), read_annotation(annotation)
    lines = _check_counts(found, official, os.fspath(annotation))
    lines += thumos14_counts(found.of('test'))
    beyond = {video.video_id: video.beyond for video in found.videos if video.beyond}
    if beyond:
        lines.append(
            f'{sum(beyond.values())} actions of {len(beyond)} videos begin beyond the end '
            'of their video: ' + ', '.join(f'{n} ({c})' for n, c in beyond.items())
        )
    report: dict = dict(
        actions_beyond_the_end=beyond, left_out=[], other_frame_rate=[], other_length=[]
    )
    paths: dict[str, Path] = {}
    if videos is not None:
        paths = {video.video_id: video.path.absolute() for video in find_videos([videos])[0]}
        report['left_out'] = [v.video_id for v in found.videos if v.video_id not in paths]
        lines += _check_videos(found, paths, report, missing, os.fspath(videos))
    left_out = report['left_out']
    if left_out and (out / 'thumos14.json').resolve() == Path(annotation).resolve():
        raise DatasetError(
            f'{annotation}: would be overwritten by itself without {len(left_out)} videos: move '
            'it to another folder, or write to another one (--out)'
        )
    kept = [video for video in found.videos if video.video_id not in left_out]
    lines += _write(out, annotation, found, kept, paths, report)
    lists = [f'{subset}.txt' for subset in SUBSETS if paths]
    names = ', '.join(['thumos14.json', 'classes.txt', 'report.json', *lists])
    return [*lines, f'{out}: {names}'], left_out


def _check_counts(found: Annotation, official: Mapping, path: str) -> list[str]:
    lines = []
    for subset in SUBSETS:
        videos = found.of(subset)
        counts = len(videos), sum(len(video.labels) for video in videos)
        if counts != tuple(official[subset]):
            raise DatasetError(
                f'{path}: {counts[0]} {subset} videos with {counts[1]} actions; '
                f'THUMOS14 has {official[subset][0]} and {official[subset][1]}: '
                'another version, or entries are lost'
            )
        lines.append(f'{subset}: {counts[0]} videos, {counts[1]} actions')
    if len(found.classes) != official['classes']:
        raise DatasetError(
            f'{path}: {len(found.classes)} classes; THUMOS14 has {official["classes"]}'
        )
    return lines


def _check_videos(
    found: Annotation, paths: Mapping[str, Path], report: dict, missing: str, folder: str
) -> list[str]:
    absent = report['left_out']
    if absent and (missing == 'fail' or len(absent) == len(found.videos)):
        raise DatasetError(
            f'{folder}: lacks {len(absent)} of the {len(found.videos)} annotated '
            f'videos, as {absent[0]}: add them, or leave them out (--missing drop)'
        )
    reader = choose_reader('auto')
    print('frame rates and lengths:')
    for video in track_iter_progress([v for v in found.videos if v.video_id in paths]):
        with reader(paths[video.video_id]) as opened:
            fps, frames = opened.fps, opened.announced
        if fps and abs(fps - video.fps) > _FPS_SLACK * video.fps:
            report['other_frame_rate'].append([video.video_id, video.fps, round(fps, 3)])
        length = frames / fps if fps else 0.0
        if length and abs(length - video.duration_s) > max(1.0, _DURATION_SLACK * length):
            report['other_length'].append([video.video_id, video.duration_s, round(length, 2)])
    print()
    lines = [
        f'{len(rows)} videos have another {what} than annotated, as {rows[0][0]} '
        f'({rows[0][2]:g}, annotated {rows[0][1]:g}); times are right as long as '
        'features are made of these files'
        for what in ('frame rate', 'length')
        if (rows := report[f'other_{what.replace(" ", "_")}'])
    ]
    if absent:
        lines.append(f'{len(absent)} videos are not there, as {absent[0]}: left out')
    return lines


def _write(
    out: Path,
    annotation: str | os.PathLike,
    found: Annotation,
    kept: Sequence[SegmentedVideo],
    paths: Mapping[str, Path],
    report: dict,
) -> list[str]:
    given = read_json(annotation)
    given['database'] = {video.video_id: given['database'][video.video_id] for video in kept}
    actions = [
        action for entry in given['database'].values() for action in entry.get('annotations', [])
    ]
    shown = {action['label'] for action in actions}
    classes = [name for name in found.classes if name in shown]
    lost = [name for name in found.classes if name not in shown]
    for action in actions if lost else ():  # numbers with a gap are no annotation
        action['label_id'] = classes.index(action['label'])
    write_json(out / 'thumos14.json', given, indent=None)
    write_text(out / 'classes.txt', ''.join(f'{name}\n' for name in classes))
    for subset in SUBSETS if paths else ():
        listed = (paths[video.video_id] for video in kept if video.subset == subset)
        write_text(out / f'{subset}.txt', ''.join(f'{path}\n' for path in listed))
    write_json(out / 'report.json', report)
    if not lost:
        return []
    return [
        f'{len(lost)} classes are in no video that is there, as {lost[0]}: label_id is numbered '
        'anew'
    ]
