"""Features in, segments out: padding, projection, pyramid, head and the last steps."""

from collections.abc import Sequence
from typing import Any

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseDataPreprocessor, BaseModel
from mmengine.structures import BaseDataElement
from torch import Tensor

from .functional import PostProcessing
from .heads import ActionFormerHead, BoundaryHead, DistanceHead, OffsetHead, TridentHead
from .pyramid import ConvProjection, SGPPyramid
from .transformer import TransformerPyramid

__all__ = [
    'ActionFormerHead',
    'BoundaryHead',
    'ConvProjection',
    'DistanceHead',
    'OffsetHead',
    'SGPPyramid',
    'SegmentDetector',
    'SequencePreprocessor',
    'TransformerPyramid',
    'TridentHead',
]


@MODELS.register_module()
class SequencePreprocessor(BaseDataPreprocessor):
    """Pad features to a common length, and add noise to them in training.

    Results of TriDet depend on the padding (norms and means run over it), so it is a fixed rule,
    the published one: to ``max_len``, and longer sequences, in testing, to the next multiple of
    ``divisor``.

    Args:
        max_len: Snippets of a training sequence.
        divisor: Of the backbone: 32 for TriDet, 576 for ActionFormer with a window of 19.
        noise: Standard deviation of the noise on the whole padded batch, in training.
        non_blocking: See ``BaseDataPreprocessor``.

    Raises:
        ValueError: ``max_len`` is not divisible by ``divisor``.
    """

    def __init__(
        self,
        max_len: int = 2304,
        divisor: int = 32,
        noise: float = 0.0005,
        non_blocking: bool = False,
    ) -> None:
        super().__init__(non_blocking)
        if max_len % divisor:
            raise ValueError(f'max_len is {max_len}; expected a multiple of divisor, {divisor}')
        self.max_len, self.divisor, self.noise = max_len, divisor, noise

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Pad a batch.

        Args:
            data: With ``inputs``, a list of features of shape (C, T).
            training: Whether noise is added.

        Returns:
            ``data`` with ``inputs`` of shape (B, C, L) and ``masks``, bool of shape (B, L).

        Raises:
            ValueError: A training sequence is longer than ``max_len``.
        """
        data = self.cast_data(data)
        videos = data['inputs']
        lengths = torch.tensor([video.shape[1] for video in videos])
        longest, size = int(lengths.max()), self.max_len
        if longest > size and training:
            raise ValueError(
                f'a training sequence has {longest} snippets, max_len is {size}: set '
                'max_len of the training set'
            )
        if longest > size:
            size = -(-longest // self.divisor) * self.divisor
        batch = videos[0].new_zeros(len(videos), len(videos[0]), size)
        for row, video in zip(batch, videos, strict=True):
            row[:, : video.shape[1]] = video
        masks = torch.arange(size) < lengths[:, None]
        if training and self.noise:
            batch += self.noise * torch.randn_like(batch)
        return {**data, 'inputs': batch, 'masks': masks.to(batch.device)}


@MODELS.register_module()
class SegmentDetector(BaseModel):
    """A one-stage detector of actions: ActionFormer and TriDet are such.

    Args:
        projection: Config of a network (B, C, T) -> (B, D, T), see
            :class:`~.pyramid.ConvProjection`.
        backbone: Config of a pyramid, see :class:`~.pyramid.SGPPyramid`.
        head: Config of a :class:`~.heads.SegmentHead`.
        test_cfg: Settings of :class:`~downstream.tal.functional.PostProcessing`.
        data_preprocessor: Config; by default :class:`SequencePreprocessor`.
        init_cfg: See ``BaseModule``.
    """

    def __init__(
        self,
        projection: dict,
        backbone: dict,
        head: dict,
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        # built here: MMEngine would look in its own registry alone, outside a runner
        super().__init__(
            MODELS.build(data_preprocessor or dict(type='SequencePreprocessor')), init_cfg
        )
        self.projection = MODELS.build(projection)
        self.backbone = MODELS.build(backbone)
        self.head = MODELS.build(head)
        self.post_processing = PostProcessing(**(test_cfg or {}))

    def forward(
        self,
        inputs: Tensor,
        masks: Tensor,
        data_samples: Sequence[BaseDataElement] = (),
        mode: str = 'tensor',
    ) -> Any:
        """Run the detector.

        Args:
            inputs: Features, shape (B, C, T).
            masks: Which snippets are part of the video, bool, shape (B, T).
            data_samples: Samples of the videos.
            mode: ``'tensor'``: levels and masks of the pyramid. ``'loss'``: dict of losses; samples
                have ``snippet_segments`` (n, 2) and ``snippet_labels`` (n,). ``'predict'``: the
                samples, whose metainfo has ``grid`` and ``duration_s``, with ``pred_segments``
                (seconds within the video, float64 (n, 2)), ``pred_scores`` and ``pred_labels``.

        Raises:
            ValueError: Another mode.
        """
        levels, level_masks = self.backbone(self.projection(inputs, masks), masks)
        if mode == 'tensor':
            return levels, level_masks
        if mode == 'loss':
            return self.head.loss(
                levels,
                level_masks,
                [sample.snippet_segments for sample in data_samples],
                [sample.snippet_labels for sample in data_samples],
            )
        if mode == 'predict':
            return self._predict(levels, level_masks, data_samples)
        raise ValueError(f"mode is {mode!r}; expected 'tensor', 'predict' or 'loss'")

    def _predict(
        self,
        levels: Sequence[Tensor],
        masks: Sequence[Tensor],
        data_samples: Sequence[BaseDataElement],
    ) -> list[BaseDataElement]:
        settings = self.post_processing
        # the CPU suppresses faster, and is where the results are wanted
        found = [
            [part.cpu() for part in video]
            for video in self.head.candidates(
                levels, masks, settings.min_score, settings.max_per_level, settings.min_length
            )
        ]
        kept = settings(*zip(*found, strict=True))
        for sample, (segments, scores, labels) in zip(data_samples, kept, strict=True):
            seconds = sample.grid.snippet_to_second(segments.numpy())
            sample.pred_segments = torch.from_numpy(seconds.clip(0, sample.duration_s))
            sample.pred_scores, sample.pred_labels = scores, labels
        return list(data_samples)
