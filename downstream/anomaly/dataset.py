"""Features of annotated videos as a dataset."""

from __future__ import annotations

import os
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
from .annotations import AnomalyVideo, read_annotation
from .functional import pool_segments
from .ground_truth import check_length

PARTS = ('all', 'train', 'val')


@DATASETS.register_module()
class AnomalyFeatureDataset(BaseDataset):
    """Videos of an annotation, with their features from a store.

    An item is a dict of ``inputs``, float32 of shape (crops, T, C), and ``data_samples``, a
    ``BaseDataElement`` with ``gt_label`` (1: something anomalous happens) and the metainfo
    ``video_id``, ``category``, ``events``, ``num_frames`` and ``snippet_of_frame``
    (:meth:`~downstream.features.time_grid.TimeGrid.snippet_of_frame`) or, where the features are
    pooled, without the last.

    Labels are those of the annotation; the order of its lines means nothing.

    Args:
        ann_file: See :func:`~.annotations.read_annotation`.
        store: Folder of the :class:`~downstream.features.store.FeatureStore`.
        num_segments: Pool every video to so many segments (training); None: all snippets. Pooled
            videos are held in memory, as each is read in every epoch.
        part: ``'all'``, or one of two that never share a video: ``'val'`` (for choosing a
            checkpoint) or ``'train'`` (the rest).
        val_share: Share of the videos of each kind of anomaly that is held out for ``'val'``.
        val_seed: Which they are.
        crop: Take this crop alone; None: all.
        indices: See ``BaseDataset``.
        **kwargs: See ``BaseDataset``.

    Raises:
        DatasetError: The annotation or the store cannot be read, the store lacks a video, a video
            has another number of frames than its annotation says, or a part is empty.
    """

    METAINFO = dict(task_name='anomaly')

    def __init__(
        self,
        ann_file: str,
        store: str | os.PathLike,
        num_segments: int | None = None,
        part: str = 'all',
        val_share: float = 0.2,
        val_seed: int = 0,
        crop: int | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        if part not in PARTS:
            raise DatasetError(f'part is {part!r}; expected one of {", ".join(PARTS)}')
        if not 0 < val_share < 1:
            raise DatasetError(f'val_share is {val_share}; expected a share between 0 and 1')
        self.store, self.num_segments, self.crop = FeatureStore(store), num_segments, crop
        self.part, self.val_share, self.val_seed = part, val_share, val_seed
        self._pooled: dict[int, Tensor] = {}
        self._width: int | None = None
        kwargs.setdefault('serialize_data', False)  # a thousand short rows
        super().__init__(ann_file, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Rows of the annotation."""
        videos = _part(read_annotation(self.ann_file), self.part, self.val_share, self.val_seed)
        missing = [video.video_id for video in videos if video.video_id not in self.store]
        if missing:
            raise DatasetError(
                f'{self.store.root}: lacks {len(missing)} of the {len(videos)} '
                f'videos of {self.ann_file}, as {missing[0]!r}: extract their '
                'features, or leave them out of the list'
            )
        return [dict(video=video, label=int(video.is_anomalous)) for video in videos]

    def labels(self) -> list[int]:
        """1 for each video in which something anomalous happens, else 0."""
        return [self.get_data_info(index)['label'] for index in range(len(self))]

    def forget(self) -> None:
        """Let go of pooled videos; they are read again."""
        self._pooled.clear()

    def prepare_data(self, idx: int) -> dict[str, Any]:
        """An item, see the class.

        Args:
            idx: Its number.

        Raises:
            DatasetError: Its features cannot be used.
        """
        video: AnomalyVideo = self.get_data_info(idx)['video']
        grid = self.store.grid(video.video_id)
        check_length(video, grid.num_frames)
        sample = BaseDataElement(
            metainfo=dict(
                video_id=video.video_id,
                category=video.category,
                events=video.events,
                num_frames=grid.num_frames,
            )
        )
        sample.gt_label = torch.tensor(int(video.is_anomalous))
        if self.num_segments is None:
            sample.set_metainfo(dict(snippet_of_frame=grid.snippet_of_frame()))
            inputs = self._features(video)
        else:
            if idx not in self._pooled:
                self._pooled[idx] = self._features(video)
            inputs = self._pooled[idx]
        return self.pipeline(dict(inputs=inputs, data_samples=sample))

    def _features(self, video: AnomalyVideo) -> Tensor:
        features = self.store.load(video.video_id, mmap=True)
        features = features[:, None] if features.ndim == 2 else features
        self._width = self._width or features.shape[2]
        if features.shape[2] != self._width:
            raise DatasetError(
                f'{self.store.root}: features of {video.video_id!r} have '
                f'{features.shape[2]} channels, others have {self._width}: '
                'delete it and extract it again'
            )
        if self.crop is not None:
            if not 0 <= self.crop < features.shape[1]:
                raise DatasetError(
                    f'crop is {self.crop}, but the features of {video.video_id!r} '
                    f'have {features.shape[1]} crops'
                )
            features = features[:, self.crop : self.crop + 1]
        if self.num_segments is None:
            array = np.array(features, np.float32)
        else:
            array = pool_segments(features, self.num_segments)
        if not np.isfinite(array).all():
            raise DatasetError(
                f'{self.store.root}: features of {video.video_id!r} are not all '
                'finite: delete it and extract it again'
            )
        return torch.from_numpy(np.ascontiguousarray(array.swapaxes(0, 1)))


def _part(videos: Sequence[AnomalyVideo], part: str, share: float, seed: int) -> list[AnomalyVideo]:
    """Held-out videos, or the others; of every kind of anomaly alike."""
    if part == 'all':
        return list(videos)
    held: set[str] = set()
    for category in sorted({video.category for video in videos}):
        names = sorted(video.video_id for video in videos if video.category == category)
        # a generator of its own for each kind: another kind's videos change nothing here
        random = np.random.default_rng([seed, *category.encode()])
        held.update(random.permutation(names)[: round(share * len(names))].tolist())
    chosen = [video for video in videos if (video.video_id in held) == (part == 'val')]
    if len({video.is_anomalous for video in chosen}) < 2:
        raise DatasetError(
            f'part {part!r} of {len(videos)} videos with {share:g} of each kind '
            'held out has no normal or no anomalous one: change val_share'
        )
    return chosen
