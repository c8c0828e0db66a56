"""Features of annotated videos as a dataset: what both transfers share."""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from torch import Tensor

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.numbers import one_of

from ..features.store import FeatureStore


class FeatureDataset(BaseDataset):
    """Videos of an annotation, with their features from a store; rows hold ``video``.

    Args:
        ann_file: The annotation.
        store: Folder of the :class:`~downstream.features.store.FeatureStore`.
        part: ``'all'``, or one of two that never share a video: ``'val'`` (for choosing a
            checkpoint) or ``'train'`` (the rest).
        val_share: Share of the videos that is held out for ``'val'``, in [0, 1).
        val_seed: Which they are.
        **kwargs: See ``BaseDataset``.

    Raises:
        DatasetError: A setting cannot be, or the store cannot be read.
    """

    def __init__(
        self,
        ann_file: str,
        store: str | os.PathLike,
        part: str = 'all',
        val_share: float = 0.2,
        val_seed: int = 0,
        **kwargs: Any,
    ) -> None:
        one_of(part, ('all', 'train', 'val'), 'part', DatasetError)
        if not 0 <= val_share < 1:
            raise DatasetError(f'val_share is {val_share}; expected a share from 0 to below 1')
        self.store, self.part = FeatureStore(store), part
        self.val_share, self.val_seed = val_share, val_seed
        self._width: int | None = None
        kwargs.setdefault('serialize_data', False)  # a thousand short rows
        super().__init__(ann_file, **kwargs)

    def videos(self) -> list[Any]:
        """Annotation of the videos that take part."""
        return [self.get_data_info(index)['video'] for index in range(len(self))]

    def chosen(
        self,
        videos: Sequence[Any],
        groups: Iterable[tuple[np.random.Generator, Iterable[str]]],
        usable: Callable[[Sequence[Any]], bool],
        lack: str,
    ) -> list[Any]:
        """Videos of the part.

        Args:
            videos: All of them.
            groups: Ids of those of which the share is held out alike, and what draws them.
            usable: Whether a part can be used.
            lack: What it lacks if not.

        Raises:
            DatasetError: The part cannot be used.
        """
        if self.part == 'all':
            return list(videos)
        held: set[str] = set()
        for random, ids in groups:
            order = random.permutation(sorted(ids))
            held.update(order[: round(self.val_share * len(order))].tolist())
        found = [video for video in videos if (video.video_id in held) == (self.part == 'val')]
        if not usable(found):
            raise DatasetError(
                f'{self.ann_file}: part {self.part!r} of {len(videos)} videos with '
                f'{self.val_share:g} held out has no {lack}: change val_share'
            )
        return found

    def features(self, video_id: str) -> np.ndarray:
        """Features of a video, left on the disk.

        Args:
            video_id: The video.

        Returns:
            Shape (T, C) or (T, crops, C).

        Raises:
            DatasetError: They cannot be read, or have more or fewer channels than others.
        """
        features = self.store.load(video_id, mmap=True)
        self._width = self._width or features.shape[-1]
        if features.shape[-1] != self._width:
            raise DatasetError(
                f'{self.store.root}: features of {video_id!r} have {features.shape[-1]} channels, '
                f'others have {self._width}: delete it and extract it again'
            )
        return features

    def finite(self, features: np.ndarray, video_id: str) -> Tensor:
        """Features of a video as a tensor, float32.

        Args:
            features: Any shape.
            video_id: The video.

        Raises:
            DatasetError: They are not all finite.
        """
        array = np.array(features, np.float32, order='C')
        if not np.isfinite(array).all():
            raise DatasetError(
                f'{self.store.root}: features of {video_id!r} are not all finite: delete it and '
                'extract it again'
            )
        return torch.from_numpy(array)
