"""What can be wrong with features and annotation before anything is trained on them."""

import os
from collections.abc import Mapping, Sequence

import numpy as np

from albar_mm.utils.errors import DatasetError

from ..detection.dataset import FeatureDataset
from ..features.time_grid import TimeGrid
from .annotations import SegmentedVideo

_LISTED = 5
_NORM_VIDEOS = 50
_LEAST_COVERAGE = 0.5
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

    Args:
        videos: Videos that take part.
        dropped: Ids of those that do not, for lack of features.

    Returns:
        No line for other data.
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
