"""Sequences of several lengths as one padded batch."""

from __future__ import annotations

from typing import Any

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseDataPreprocessor


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
