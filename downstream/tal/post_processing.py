"""From candidates to what is told of a video: suppression and voting by one block of settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .functional import nms, soft_nms_batch, vote

METHODS = ('soft', 'hard', 'none')


@dataclass(frozen=True)
class PostProcessing:
    """Settings of the last steps; the defaults are TriDet's for THUMOS14.

    Attributes:
        min_score: Score above which a point and class become a candidate.
        max_per_level: Best candidates of each level.
        min_length: Length above which a candidate is kept, in snippets.
        method: ``'soft'``, ``'hard'`` or ``'none'``.
        sigma: Of soft suppression.
        suppressed_below: Score below which soft suppression drops a segment.
        iou_threshold: Of hard suppression.
        max_segments: Of a video, and of each class.
        per_class: Classes do not suppress each other.
        voting: IoU from which suppressed segments move those that stay; 0: none do. Only where
            classes suppress each other, as in the official code.
    """

    min_score: float = 0.001
    max_per_level: int = 2000
    min_length: float = 0.05
    method: str = 'soft'
    sigma: float = 0.5
    suppressed_below: float = 0.001
    iou_threshold: float = 0.1
    max_segments: int = 2000
    per_class: bool = True
    voting: float = 0.7

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f'method is {self.method!r}; expected one of {", ".join(METHODS)}')

    def __call__(
        self, segments: Sequence[Tensor], scores: Sequence[Tensor], labels: Sequence[Tensor]
    ) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Suppress the candidates of several videos.

        Args:
            segments: Of each video, shape (n, 2).
            scores: Of each video, shape (n,).
            labels: Of each video, int64, shape (n,).

        Returns:
            For each video segments, scores and labels, best first.
        """
        videos = list(zip(segments, scores, labels, strict=True))
        if self.method == 'none':
            return [_best(*video, self.max_segments) for video in videos]
        if self.method == 'soft':
            kept = soft_nms_batch(
                segments,
                scores,
                labels,
                self.sigma,
                self.suppressed_below,
                self.max_segments,
                per_class=self.per_class,
            )
        else:
            kept = [self._hard(*video) for video in videos]
        if self.per_class or not self.voting:
            return kept
        return [
            (vote(found[0], video[0], video[1], self.voting), *found[1:])
            for found, video in zip(kept, videos, strict=True)
        ]

    def _hard(
        self, segments: Tensor, scores: Tensor, labels: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        kept = nms(
            segments,
            scores,
            labels,
            self.iou_threshold,
            self.max_segments,
            per_class=self.per_class,
        )
        return segments[kept], scores[kept], labels[kept]


def _best(
    segments: Tensor, scores: Tensor, labels: Tensor, count: int
) -> tuple[Tensor, Tensor, Tensor]:
    order = torch.argsort(scores, descending=True, stable=True)[:count]
    return segments[order], scores[order], labels[order]
