"""Features of annotated videos as a dataset."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from mmaction.registry import DATASETS
from mmengine.structures import BaseDataElement
from torch import Tensor

from albar_mm.utils.errors import DatasetError

from ..detection.dataset import FeatureDataset
from .annotations import AnomalyVideo, read_annotation
from .functional import pool_segments


@DATASETS.register_module()
class AnomalyFeatureDataset(FeatureDataset):
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
        **kwargs: Any,
    ) -> None:
        self.num_segments, self.crop = num_segments, crop
        self._pooled: dict[int, Tensor] = {}
        super().__init__(ann_file, store, part, val_share, val_seed, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Rows of the annotation."""
        every = read_annotation(self.ann_file)
        kinds: dict[str, list[str]] = {}
        for video in every:
            kinds.setdefault(video.category, []).append(video.video_id)
        # a generator of its own for each kind: another kind's videos change nothing here
        groups = [
            (np.random.default_rng([self.val_seed, *kind.encode()]), kinds[kind])
            for kind in sorted(kinds)
        ]
        videos = self.chosen(
            every,
            groups,
            lambda found: len({video.is_anomalous for video in found}) == 2,
            'normal or no anomalous video',
        )
        missing = [video.video_id for video in videos if video.video_id not in self.store]
        if missing:
            raise DatasetError(
                f'{self.store.root}: lacks {len(missing)} of the {len(videos)} videos of '
                f'{self.ann_file}, as {missing[0]!r}: extract their features, or leave them out of '
                'the list'
            )
        return [dict(video=video) for video in videos]

    def labels(self) -> list[int]:
        """1 for each video in which something anomalous happens, else 0."""
        return [int(video.is_anomalous) for video in self.videos()]

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
        video.check_length(grid.num_frames)
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
            inputs = self._inputs(video.video_id)
        else:
            if idx not in self._pooled:
                self._pooled[idx] = self._inputs(video.video_id)
            inputs = self._pooled[idx]
        return self.pipeline(dict(inputs=inputs, data_samples=sample))

    def _inputs(self, video_id: str) -> Tensor:
        features = self.features(video_id)
        features = features[:, None] if features.ndim == 2 else features
        if self.crop is not None:
            if not 0 <= self.crop < features.shape[1]:
                raise DatasetError(
                    f'crop is {self.crop}, but the features of {video_id!r} have '
                    f'{features.shape[1]} crops'
                )
            features = features[:, self.crop : self.crop + 1]
        if self.num_segments is not None:
            features = pool_segments(features, self.num_segments)
        return self.finite(features.swapaxes(0, 1), video_id)
