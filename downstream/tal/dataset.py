"""Features of videos with annotated actions as a dataset."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset
from mmengine.structures import BaseDataElement
from torch import Tensor

from albar_mm.utils.errors import DatasetError

from ..features.store import FeatureStore
from .annotations import SegmentedVideo, read_annotation
from .checks import check_grid
from .truncation import truncate

PARTS = ('all', 'train', 'val')


@DATASETS.register_module()
class SegmentFeatureDataset(BaseDataset):
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
        keep_share: See :func:`~.truncation.truncate`.
        crop_ratio: See there.
        margin: How far beyond its window a segment may reach, in snippets: 0 in TriDet, half a clip
            (2 for 16 frames and stride 4) in ActionFormer.
        part: ``'all'``, or one of two that never share a video: ``'val'`` (for choosing a
            checkpoint) or ``'train'`` (the rest).
        val_share: Share of the videos that is held out for ``'val'``.
        val_seed: Which they are.
        leave_out: Ids of videos that take no part.
        missing: With videos without features: ``'fail'``, or ``'drop'``: their actions take no part
            either, and they are listed in :attr:`dropped`.
        indices: See ``BaseDataset``.
        **kwargs: See ``BaseDataset``.

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
        part: str = 'all',
        val_share: float = 0.2,
        val_seed: int = 0,
        leave_out: Sequence[str] = (),
        missing: str = 'fail',
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        if part not in PARTS:
            raise DatasetError(f'part is {part!r}; expected one of {", ".join(PARTS)}')
        if not 0 < val_share < 1:
            raise DatasetError(f'val_share is {val_share}; expected a share between 0 and 1')
        if missing not in ('fail', 'drop'):
            raise DatasetError(f"missing is {missing!r}; expected 'fail' or 'drop'")
        self.store, self.subset, self.missing = FeatureStore(store), subset, missing
        self.max_len, self.keep_share, self.crop_ratio = max_len, keep_share, crop_ratio
        self.margin, self.leave_out = margin, frozenset(leave_out)
        self.part, self.val_share, self.val_seed = part, val_share, val_seed
        self.dropped: list[str] = []
        self._annotation = read_annotation(ann_file, classes)
        self._width: int | None = None
        kwargs.setdefault('serialize_data', False)  # a few hundred rows
        super().__init__(ann_file, metainfo=dict(classes=list(self._annotation.classes)), **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Rows of the annotation."""
        videos = self._annotation.of(self.subset)
        unknown = self.leave_out - {video.video_id for video in self._annotation.videos}
        if unknown:
            raise DatasetError(
                f'{self.ann_file}: leave_out names {min(unknown)!r}, which is not there'
            )
        videos = [video for video in videos if video.video_id not in self.leave_out]
        self.dropped = [video.video_id for video in videos if video.video_id not in self.store]
        if self.dropped and (self.missing == 'fail' or len(self.dropped) == len(videos)):
            raise DatasetError(
                f'{self.store.root}: lacks {len(self.dropped)} of the {len(videos)} '
                f'{self.subset} videos of {self.ann_file}, as {self.dropped[0]!r}: '
                "extract their features, or leave them out (missing='drop')"
            )
        videos = [video for video in videos if video.video_id in self.store]
        return [
            dict(video=video) for video in _part(videos, self.part, self.val_share, self.val_seed)
        ]

    def videos(self) -> list[SegmentedVideo]:
        """Videos that take part."""
        return [self.get_data_info(index)['video'] for index in range(len(self))]

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
            window = truncate(
                size, segments, self.max_len, random, self.keep_share, self.crop_ratio, self.margin
            )
            first, size = window.first, window.size
            sample.snippet_segments = torch.from_numpy(window.segments.astype(np.float32))
            sample.snippet_labels = torch.from_numpy(video.labels[window.kept])
        features = self._features(video.video_id)[first : first + size]
        return self.pipeline(
            dict(inputs=_checked(features, video.video_id, self.store.root), data_samples=sample)
        )

    def _features(self, video_id: str) -> np.ndarray:
        features = self.store.load(video_id, mmap=True)
        if features.ndim != 2:
            raise DatasetError(
                f'{self.store.root}: features of {video_id!r} have shape '
                f'{features.shape}; expected (T, C): extract one crop '
                '(--crops 1)'
            )
        self._width = self._width or features.shape[1]
        if features.shape[1] != self._width:
            raise DatasetError(
                f'{self.store.root}: features of {video_id!r} have '
                f'{features.shape[1]} channels, others have {self._width}: '
                'delete it and extract it again'
            )
        return features


def _checked(features: np.ndarray, video_id: str, root: os.PathLike) -> Tensor:
    array = np.ascontiguousarray(features.T, np.float32)
    if not np.isfinite(array).all():
        raise DatasetError(
            f'{root}: features of {video_id!r} are not all finite: delete it and extract it again'
        )
    return torch.from_numpy(array)


def _part(
    videos: Sequence[SegmentedVideo], part: str, share: float, seed: int
) -> list[SegmentedVideo]:
    """Held-out videos, or the others."""
    if part == 'all':
        return list(videos)
    names = sorted(video.video_id for video in videos)
    order = np.random.default_rng(seed).permutation(names)
    held = set(order[: round(share * len(names))].tolist())
    chosen = [video for video in videos if (video.video_id in held) == (part == 'val')]
    if not any(len(video.labels) for video in chosen):
        raise DatasetError(
            f'part {part!r} of {len(videos)} videos with {share:g} held out has no '
            'action: change val_share'
        )
    return chosen
