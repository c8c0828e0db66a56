"""Features of annotated videos as a dataset, and batches with as many normal as anomalous."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmaction.registry import DATA_SAMPLERS, DATASETS
from mmengine.dist import get_dist_info, sync_random_seed
from mmengine.structures import BaseDataElement
from torch import Tensor
from torch.utils.data import Sampler

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.numbers import one_of

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

    Labels are those of the annotation, whatever the order of its lines. Videos keep that order,
    which :class:`BalancedAnomalySampler` may use.

    Args:
        ann_file: See :func:`~.annotations.read_annotation`.
        store: Folder of the :class:`~downstream.features.store.FeatureStore`.
        num_segments: Pool every video to so many segments (training); None: all snippets. Pooled
            videos are held in memory, as each is read in every epoch.
        crop: Take this crop alone; None: all.
        **kwargs: ``part``, ``val_share`` (of the videos of each kind of anomaly) and ``val_seed``,
            see :class:`~downstream.detection.dataset.FeatureDataset`, and those of ``BaseDataset``.

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
        crop: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.num_segments, self.crop = num_segments, crop
        self._pooled: dict[int, Tensor] = {}
        super().__init__(ann_file, store, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Rows of the annotation."""
        every = read_annotation(self.ann_file)
        # a generator of its own for each kind: another kind's videos change nothing here
        groups = [
            (
                np.random.default_rng([self.val_seed, *kind.encode()]),
                [video.video_id for video in every if video.category == kind],
            )
            for kind in sorted({video.category for video in every})
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


@DATA_SAMPLERS.register_module()
class BalancedAnomalySampler(Sampler):
    """Batches of as many normal as anomalous videos, normal ones first.

    Use it as ``batch_sampler=dict(type='BalancedAnomalySampler', batch_size=32)``; under
    distributed training each process takes its share of the batches.

    Args:
        sampler: Of the data loader; its dataset has ``labels()``.
        batch_size: Videos of a batch, an even number: half of each kind.
        seed: Of the order; by default one that all processes share.
        drop_last: Leave out a last batch that is not full; else it is filled up.
        order: ``'shuffled'``: both kinds anew every epoch; where one has fewer videos, it begins
            again (shuffled) until the other is through. ``'given'``: the same batches every epoch,
            in the order of the data set, until the kind with fewer videos is through: with
            ``drop_last`` this is the code of MGFN, which zips two lists. On UCF-Crime (810
            anomalous and 800 normal videos, 16 + 16 a batch) that is 50 steps, and the last ten
            anomalous videos are never seen.

    Raises:
        ValueError: An odd batch size, another order, or there are no videos of a kind.
    """

    def __init__(
        self,
        sampler: Sampler,
        batch_size: int,
        seed: int | None = None,
        drop_last: bool = False,
        order: str = 'shuffled',
    ) -> None:
        if batch_size < 2 or batch_size % 2:
            raise ValueError(
                f'batch_size is {batch_size}; expected an even number: half of a '
                'batch is normal, half anomalous'
            )
        self.order = one_of(order, ('shuffled', 'given'), 'BalancedAnomalySampler.order')
        labels = np.asarray(sampler.dataset.labels())
        self.kinds = [np.flatnonzero(labels == label) for label in (0, 1)]
        if not all(map(len, self.kinds)):
            raise ValueError(
                f'{len(self.kinds[0])} normal and {len(self.kinds[1])} anomalous '
                'videos; expected some of both'
            )
        self.sampler, self.half, self.drop_last = sampler, batch_size // 2, drop_last
        self.batch_size = batch_size
        self.seed = sync_random_seed() if seed is None else seed
        self.rank, self.world_size = get_dist_info()

    def __iter__(self) -> Iterator[list[int]]:
        # MMEngine tells the sampler of a loader which epoch it is
        random = np.random.default_rng([self.seed, getattr(self.sampler, 'epoch', 0)])
        total = len(self) * self.world_size * self.half
        orders = [self._ordered(kind, total, random) for kind in self.kinds]
        for number in range(self.rank, len(self) * self.world_size, self.world_size):
            part = slice(number * self.half, (number + 1) * self.half)
            yield [*orders[0][part].tolist(), *orders[1][part].tolist()]

    def __len__(self) -> int:
        videos = (min if self.order == 'given' else max)(map(len, self.kinds))
        share = self.half * self.world_size
        return max(1, videos // share if self.drop_last else -(-videos // share))

    def _ordered(self, kind: np.ndarray, total: int, random: np.random.Generator) -> np.ndarray:
        if self.order == 'given':
            return np.resize(kind, total)  # which begins again where there are too few
        rounds = [random.permutation(kind) for _ in range(-(-total // len(kind)))]
        return np.concatenate(rounds)[:total]
