"""Features of videos with annotated actions as a dataset, and random windows of them."""

import os
import random
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch
from mmaction.registry import DATASETS
from mmengine.structures import BaseDataElement

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.numbers import one_of

from ..detection.dataset import FeatureDataset
from ..features.store import check_name
from .annotations import SegmentedVideo, read_annotation
from .checks import check_grid

TRIES = 200


@DATASETS.register_module()
class SegmentFeatureDataset(FeatureDataset):
    """Videos of an annotation, with their features from a store.

    An item is a dict of ``inputs``, float32 of shape (C, T), and ``data_samples``, a
    ``BaseDataElement`` with the metainfo ``video_id``, ``duration_s``, ``grid`` (its
    :class:`~downstream.features.time_grid.TimeGrid`), ``gt_segments`` (seconds, (n, 2)) and
    ``gt_labels``. For training, it also has ``snippet_segments``, float32 (n, 2), and
    ``snippet_labels``, int64 (n,): what is left of the actions in a random window.

    Times are brought to snippets by the grid of each video, i.e. by the frame rate that the video
    had when its features were made.

    Args:
        ann_file: See :func:`~.annotations.read_annotation`.
        store: Folder of the :class:`~downstream.features.store.FeatureStore`.
        subset: Which videos.
        classes: Names by label, where they are not those of the annotation.
        max_len: Snippets of a training window; None: whole videos, for testing.
        keep_share: See :func:`truncate`.
        crop_ratio: See there.
        margin: How far beyond its window a segment may reach, in snippets: 0 in TriDet, half a clip
            (2 for 16 frames and stride 4) in ActionFormer.
        leave_out: Ids of videos that take no part.
        missing: With videos without features: ``'fail'``, or ``'drop'``: their actions take no part
            either, and they are listed in :attr:`dropped`.
        **kwargs: ``part``, ``val_share`` and ``val_seed``, see
            :class:`~downstream.detection.dataset.FeatureDataset`, and those of ``BaseDataset``.

    Raises:
        DatasetError: The annotation or the store cannot be read, features are missing or are not
            those of the annotated video, or a part is empty.
    """

    METAINFO = dict(task_name='tal')

    def __init__(
        self,
        ann_file: str,
        store: str | os.PathLike,
        subset: str,
        classes: Sequence[str] | None = None,
        max_len: int | None = None,
        keep_share: float = 0.5,
        crop_ratio: tuple[float, float] | None = (0.9, 1.0),
        margin: float = 0.0,
        leave_out: Sequence[str] = (),
        missing: str = 'fail',
        **kwargs: Any,
    ) -> None:
        one_of(missing, ('fail', 'drop'), 'missing', DatasetError)
        self.subset, self.missing, self.leave_out = subset, missing, frozenset(leave_out)
        self.max_len, self.keep_share, self.crop_ratio = max_len, keep_share, crop_ratio
        self.margin, self.dropped = margin, []
        self._annotation = read_annotation(ann_file, classes)
        kwargs['metainfo'] = dict(classes=list(self._annotation.classes))
        super().__init__(ann_file, store, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Rows of the annotation."""
        videos = self._annotation.of(self.subset)
        unknown = self.leave_out - {video.video_id for video in self._annotation.videos}
        if unknown:
            raise DatasetError(
                f'{self.ann_file}: leave_out names {min(unknown)!r}, which is not there'
            )
        videos = [video for video in videos if video.video_id not in self.leave_out]
        for video in videos:
            check_name(video.video_id, self.ann_file)
        self.dropped = [video.video_id for video in videos if video.video_id not in self.store]
        if self.dropped and (self.missing == 'fail' or len(self.dropped) == len(videos)):
            raise DatasetError(
                f'{self.store.root}: lacks {len(self.dropped)} of the {len(videos)} '
                f'{self.subset} videos of {self.ann_file}, as {self.dropped[0]!r}: '
                "extract their features, or leave them out (missing='drop')"
            )
        videos = [video for video in videos if video.video_id in self.store]
        groups = [(np.random.default_rng(self.val_seed), [video.video_id for video in videos])]
        chosen = self.chosen(
            videos, groups, lambda found: any(len(video.labels) for video in found), 'action'
        )
        return [dict(video=video) for video in chosen]

    def prepare_data(self, idx: int) -> dict[str, Any]:
        """An item, see the class.

        Args:
            idx: Its number.

        Raises:
            DatasetError: Its features cannot be used.
        """
        video: SegmentedVideo = self.get_data_info(idx)['video']
        grid = self.store.grid(video.video_id)
        check_grid(video, grid, self.store.root)
        sample = BaseDataElement(
            metainfo=dict(
                video_id=video.video_id,
                duration_s=video.duration_s,
                grid=grid,
                gt_segments=video.segments,
                gt_labels=video.labels,
            )
        )
        first, size = 0, grid.num_snippets
        if self.max_len is not None:
            segments = grid.second_to_snippet(video.segments)
            first, size, kept, inside = truncate(
                size, segments, self.max_len, random, self.keep_share, self.crop_ratio, self.margin
            )
            sample.snippet_segments = torch.from_numpy(inside.astype(np.float32))
            sample.snippet_labels = torch.from_numpy(video.labels[kept])
        features = self.features(video.video_id)
        if features.ndim != 2:
            raise DatasetError(
                f'{self.store.root}: features of {video.video_id!r} have shape {features.shape}; '
                'expected (T, C): extract one crop (--crops 1)'
            )
        inputs = self.finite(features[first : first + size].T, video.video_id)
        return self.pipeline(dict(inputs=inputs, data_samples=sample))


def truncate(
    length: int,
    segments: np.ndarray,
    max_len: int,
    random: ModuleType,
    keep_share: float = 0.5,
    crop_ratio: tuple[float, float] | None = (0.9, 1.0),
    margin: float = 0.0,
) -> tuple[int, int, np.ndarray, np.ndarray]:
    """Choose a window that keeps an action, as ActionFormer and TriDet do.

    A sequence that is longer than ``max_len`` loses all but ``max_len`` snippets; a shorter one is
    cropped to a random share of its length. A window is drawn again until at least one segment
    keeps ``keep_share`` of its length; after 200 draws the last one is taken. Segments are clipped
    to the window, but for a video that is taken whole.

    Args:
        length: Snippets of the video, T.
        segments: Begin and end of its actions on the axis of snippets, shape (n, 2).
        max_len: See above.
        random: With ``randint(first, last)``, both included: the module ``random`` or alike.
        keep_share: Share of its length within the window from which a segment is kept.
        crop_ratio: Smallest and largest share of a sequence that is not too long; None: all of it.
        margin: How far beyond its window a segment may reach, in snippets.

    Returns:
        First snippet and length of the window; which actions are kept, bool, shape (n,); begin and
        end of these on the axis of the window's snippets, shape (kept, 2).
    """
    size = min(length, max_len)
    if length <= max_len and crop_ratio is not None:
        low, high = (round(share * length) for share in crop_ratio)
        size = random.randint(max(low, 1), min(high, length))
    if size == length:
        return 0, length, np.ones(len(segments), bool), segments
    for _ in range(TRIES):
        first = random.randint(0, length - size)
        inside = segments.clip(first - margin, first + size + margin)
        lengths = segments[:, 1] - segments[:, 0]
        kept = inside[:, 1] - inside[:, 0] >= keep_share * lengths
        if kept.any():
            break
    return first, size, kept, inside[kept] - first
