"""Validation videos together with their own static clips."""

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from mmaction.registry import DATASETS
from torch import Tensor
from torch.utils.data import Dataset

from ..evaluation.functional import VIEWS
from ..models.utils.static_frames import (
    check_frame_choice,
    fixed_frame_index,
    repeat_frames,
    take_frames,
)
from ..utils.video_ids import annotated_video_ids


@DATASETS.register_module()
class StaticPairDataset(Dataset):
    """Every video of a dataset twice: its clip, and one frame of that clip repeated.

    With :class:`albar_mm.evaluation.StaticContrastMetric` it gives the *validation contrast* of any
    recogniser, a stock one too, from held-out training videos alone. Sample ``2 i`` is the clip of
    video i and sample ``2 i + 1`` its static clip, both of the same shape. The metainfo is
    ``domain`` (``'clip'`` or ``'static'``: for validation only, these never name a test set),
    ``pair_id`` (the path in the annotation file) and, on static clips, ``static_frame``.

    The pipeline must be deterministic, so that both samples show the same clip. The last decoded
    clip is kept, so that a worker which is handed both samples of a video in a row decodes it once.

    Args:
        dataset: config or instance of a video dataset with ``test_mode=True``.
        frame: position of the repeated frame within the T frames of a clip: ``'middle'`` (index
            T // 2), ``'first'``, ``'last'``, ``'random'`` (one fixed position per video, from
            ``seed`` and the id), or an index, clamped to T - 1.
        seed: for ``frame='random'``.
        num_views: number of clips and crops that ``NCHW`` inputs (2D recognisers) stack along their
            first axis; T is its length divided by this. ``NCTHW`` inputs need no such number.

    Raises:
        ValueError: if the dataset is not in test mode or samples frames at random, lists a video
            twice, or for an unknown ``frame``.

    Example config::

        val_dataloader = dict(
            batch_size=8, num_workers=2, sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(
                type='StaticPairDataset',
                dataset=dict(type='VideoDataset', ann_file='data/val.txt', test_mode=True,
                             data_prefix=dict(video='data/val'), pipeline=val_pipeline)))
        val_evaluator = dict(type='StaticContrastMetric')
    """

    def __init__(
        self,
        dataset: Mapping[str, Any] | Dataset,
        frame: str | int = 'middle',
        seed: int = 0,
        num_views: int = 1,
    ) -> None:
        self.frame = check_frame_choice(frame, 'StaticPairDataset.frame')
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, Mapping) else dataset
        self.seed = seed
        self.num_views = num_views
        _check_deterministic(self.dataset)
        self._ids: list[str] | None = None
        self._decoded: tuple[int, dict[str, Any]] | None = None

    def full_init(self) -> None:
        """Load the annotations."""
        self.dataset.full_init()
        if self._ids is None:
            self._ids = annotated_video_ids(self.dataset)

    @property
    def metainfo(self) -> dict[str, Any]:
        """Meta information of the wrapped dataset."""
        return self.dataset.metainfo

    def batch_group(self, idx: int) -> str:
        """All samples may share a batch; see :class:`DomainBatchSampler`."""
        return 'validation'

    def __len__(self) -> int:
        return len(VIEWS) * len(self.dataset)

    def __getitem__(self, idx: int) -> dict[str, Any]:
        if not 0 <= idx < len(self):
            raise IndexError(f'index {idx} out of range for {len(self)} samples')
        self.full_init()
        video, view = divmod(idx, len(VIEWS))
        if self._decoded is None or self._decoded[0] != video:
            self._decoded = (video, self.dataset[video])
        packed = self._decoded[1]
        inputs, sample = packed['inputs'], packed['data_samples'].clone()
        fields: dict[str, Any] = dict(domain=VIEWS[view], pair_id=self._ids[video])
        if fields['domain'] == 'static':
            num_frames = self._num_frames(inputs)
            fields['static_frame'] = self._position(fields['pair_id'], num_frames)
            inputs = _repeat_frame(inputs, fields['static_frame'], num_frames)
        sample.set_metainfo(fields)
        return dict(packed, inputs=inputs, data_samples=sample)

    def _num_frames(self, inputs: Any) -> int:
        shape = tuple(getattr(inputs, 'shape', ()))
        if len(shape) == 5:
            return shape[2]
        if len(shape) != 4:
            got = shape or type(inputs).__name__
            raise TypeError(f'StaticPairDataset needs inputs of format NCTHW or NCHW, got {got}')
        if shape[0] % self.num_views:
            raise ValueError(f'{shape[0]} frames do not split into {self.num_views} views')
        return shape[0] // self.num_views

    def _position(self, pair_id: str, num_frames: int) -> int:
        if self.frame == 'random':
            digest = hashlib.sha256(f'{self.seed}:{pair_id}'.encode()).digest()
            return int.from_bytes(digest[:8], 'big') % num_frames
        return fixed_frame_index(self.frame, num_frames)


def _repeat_frame(inputs: Tensor, position: int, num_frames: int) -> Tensor:
    """Repeat one frame of every view over time: NCTHW, or NCHW with N = views x T."""
    batch = inputs[None] if inputs.ndim == 5 else inputs.unflatten(0, (-1, num_frames))
    indices = torch.full((len(batch),), position)
    return repeat_frames(take_frames(batch, indices), num_frames).reshape(inputs.shape)


def _check_deterministic(dataset: Any) -> None:
    if not getattr(dataset, 'test_mode', False):
        raise ValueError(
            'StaticPairDataset needs test_mode=True in the dataset it wraps; otherwise an '
            'unreadable video is replaced by another one and the pair is no pair'
        )
    for transform in getattr(getattr(dataset, 'pipeline', None), 'transforms', []):
        if getattr(transform, 'test_mode', True) is False:
            raise ValueError(
                f'{type(transform).__name__} samples frames at random; set test_mode=True in the '
                'validation pipeline so that a clip and its static clip agree'
            )
