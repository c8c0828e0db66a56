"""What can be wrong with annotation and features before a training; THUMOS14 made ready."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from mmengine.utils import track_iter_progress

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import read_json, write_json, write_text
from albar_mm.video.shown import shown

from ..detection.dataset import FeatureDataset
from ..features.time_grid import TimeGrid
from ..features.videos import find_videos
from .annotations import Annotation, SegmentedVideo, read_annotation

SUBSETS = ('validation', 'test')
OFFICIAL = dict(validation=(200, 3007), test=(212, 3358), classes=20)
"""Annotated videos and actions of each subset. There are 213 test videos with features: one has no
action."""
_LISTED = 5
_NORM_VIDEOS = 50
_LEAST_COVERAGE = 0.5
_FPS_SLACK = 0.01
_DURATION_SLACK, _DURATION_LIMIT = 0.02, 0.25
_SLACK_S = 2.0


def check_grid(video: SegmentedVideo, grid: TimeGrid, where: str | os.PathLike) -> None:
    """Refuse features whose time cannot be that of the video.

    Args:
        video: The annotation.
        grid: Of the features.
        where: Folder of the features.

    Raises:
        DatasetError: The snippets do not span the video (another stride), or it lasts longer or
            shorter than the annotation says by more than a quarter (another video or frame rate).
    """
    span = (grid.num_snippets - 1) * grid.stride_frames
    slack = 0.1 * grid.num_frames + 3 * grid.stride_frames
    if not -slack <= grid.num_frames - span <= slack + 2 * grid.offset_frames:
        raise DatasetError(
            f'{where}: {grid.num_snippets} snippets of {video.video_id!r}, one every '
            f'{grid.stride_frames} frames, span {span} of its {grid.num_frames} frames: the '
            'features are of another stride; extract or import them with theirs'
        )
    if not _close(video, grid, _DURATION_LIMIT):
        raise DatasetError(
            f'{where}: {video.video_id!r} lasts {grid.duration_s:.1f} s by its features, '
            f'{video.duration_s:.1f} s by the annotation: another video, or another frame rate'
        )


def check_data(classes: Sequence[str], parts: Mapping[str, FeatureDataset]) -> list[str]:
    """Look at all data of a training before it begins.

    Args:
        classes: Names by label.
        parts: ``'train'`` or alike -> data set of whole videos.

    Returns:
        Lines for the terminal: counts, share of the annotated time that the snippets cover, actions
        outside their video, videos without an action, classes without one, norms of the features.

    Raises:
        DatasetError: Less than half of the annotated time is covered, or features are all alike.
    """
    lines = [line for name, data in parts.items() for line in _lines(classes, name, data)]
    means = []
    for name, data in parts.items():
        mean, apart = _norm(name, data)
        lines.append(
            f'{name}: norm of a snippet {mean:.3g} on average, {apart:.3g} from the mean of its '
            'video'
        )
        means.append(mean)
    if max(means) > 2 * min(means):
        lines.append('WARNING: the norms differ: are these features of one encoder?')
    return lines + thumos14_counts(
        [video for data in parts.values() for video in data.videos()],
        [name for data in parts.values() for name in data.dropped],
    )


def coverage(data: FeatureDataset) -> float:
    """Share of the annotated time that lies within the snippets, in [0, 1]."""
    covered = total = 0.0
    for video in data.videos():
        grid = data.store.grid(video.video_id)
        inside = video.segments.clip(*grid.snippet_to_second([-0.5, grid.num_snippets - 0.5]))
        covered += float((inside[:, 1] - inside[:, 0]).sum())
        total += float((video.segments[:, 1] - video.segments[:, 0]).sum())
    return covered / total if total else 0.0


def thumos14_counts(videos: Sequence[SegmentedVideo], dropped: Sequence[str] = ()) -> list[str]:
    """Which of the test sets of THUMOS14 this is; people report 213, 212, 211 and 210 videos.

    ``videos`` take part, those whose ids are ``dropped`` lack features. No line for other data.
    """
    test = {
        video.video_id: video
        for video in videos
        if video.video_id.startswith('video_test_') and video.subset == 'test'
    }
    if not test:
        return []
    lines = [
        f'THUMOS14: {len(test)} test videos are scored, {len(dropped)} lack features. 213 '
        'have features in public sets: video_test_0001292 has no action and is not '
        'annotated, which leaves 212'
    ]
    odd = test.get('video_test_0000270')
    if odd is not None:
        lines.append(
            f'  video_test_0000270: {odd.beyond} of its {len(odd.segments)} actions lie '
            'beyond its end; OpenTAD leaves it out (211): leave_out of the test set'
        )
    elif len(test) in (210, 211):
        lines.append('  video_test_0000270, with actions beyond its end, is left out')
    if 'video_test_0001496' in test:
        lines.append(
            '  video_test_0001496: some also leave it out (210); its actions lie within it'
        )
    return lines


def _lines(classes: Sequence[str], name: str, data: FeatureDataset) -> list[str]:
    videos = data.videos()
    labels = np.concatenate([video.labels for video in videos])
    counts = np.bincount(labels, minlength=len(classes))
    lines = [
        f'{name}: {len(videos)} videos, {len(labels)} actions of {int((counts > 0).sum())} classes'
    ]
    share = coverage(data)
    if share < _LEAST_COVERAGE:
        raise DatasetError(
            f'{data.store.root}: snippets cover {share:.0%} of the annotated time of the '
            f'{name} videos: features of other videos, or times in other units than seconds'
        )
    lines.append(f'{name}: snippets cover {share:.1%} of the annotated time')
    notes: Mapping[str, Sequence[str]] = {
        'actions that begin beyond the end of their video (they count all the same)': [
            f'{video.video_id} ({video.beyond})' for video in videos if video.beyond
        ],
        'actions of no length, left out': [
            f'{video.video_id} ({video.empty})' for video in videos if video.empty
        ],
        'videos without an action': [v.video_id for v in videos if not len(v.labels)],
        'videos whose length differs between features and annotation': [
            v.video_id
            for v in videos
            if not _close(v, data.store.grid(v.video_id), _DURATION_SLACK)
        ],
        'classes without an action': [
            label for label, n in zip(classes, counts, strict=True) if not n
        ],
        'videos without features, which take no part': list(data.dropped),
    }
    for what, names in notes.items():
        if names:
            more = f' and {len(names) - _LISTED} more' if len(names) > _LISTED else ''
            lines.append(f'{name}: {what}: {", ".join(names[:_LISTED])}{more}')
    return lines


def _close(video: SegmentedVideo, grid: TimeGrid, share: float) -> bool:
    longer = max(video.duration_s, grid.duration_s)
    return abs(video.duration_s - grid.duration_s) <= max(share * longer, _SLACK_S)


def _norm(name: str, data: FeatureDataset) -> tuple[float, float]:
    """Mean norm of a snippet, and of its difference from the mean of its video."""
    chosen = data.videos()[:: -(-len(data) // _NORM_VIDEOS)]
    norms, apart = [], []
    for video in chosen:
        features = data.store.load(video.video_id, mmap=True).astype(np.float32)
        norms.append(float(np.linalg.norm(features, axis=-1).mean()))
        apart.append(float(np.linalg.norm(features - features.mean(0), axis=-1).mean()))
    if max(apart) == 0:
        raise DatasetError(
            f'{data.store.root}: all snippets of a video are alike in the {len(chosen)} '
            f'{name} videos looked at: was the encoder trained?'
        )
    return float(np.mean(norms)), float(np.mean(apart))


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
    print('frame rates and lengths:')
    for video in track_iter_progress([v for v in found.videos if v.video_id in paths]):
        file = shown(paths[video.video_id])
        fps, frames = file.fps, file.count
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
