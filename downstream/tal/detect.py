"""Actions of single videos by a trained detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import nn

from ..features.time_grid import TimeGrid


@dataclass(frozen=True)
class DetectedVideo:
    """Actions of a video, detected or annotated.

    Attributes:
        name: The video.
        duration_s: Its length.
        segments: Begin and end of each in seconds, shape (n, 2).
        labels: Class of each, int, shape (n,).
        scores: In [0, 1], best first, shape (n,); all 1 for annotation.
    """

    name: str
    duration_s: float
    segments: np.ndarray
    labels: np.ndarray
    scores: np.ndarray

    def at_least(self, score: float) -> DetectedVideo:
        """Those of a score.

        Args:
            score: Lowest that is kept.
        """
        kept = self.scores >= score
        return DetectedVideo(
            self.name, self.duration_s, self.segments[kept], self.labels[kept], self.scores[kept]
        )


@torch.inference_mode()
def detect_actions(
    detector: nn.Module,
    name: str,
    features: np.ndarray,
    grid: TimeGrid,
    duration_s: float | None = None,
) -> DetectedVideo:
    """Detect the actions of a video.

    Args:
        detector: From :func:`~downstream.detection.runs.load_detector`.
        name: The video.
        features: Shape (T, C).
        grid: Their time grid.
        duration_s: Length of the video; by default the grid's.
    """
    duration_s = grid.duration_s if duration_s is None else duration_s
    sample = BaseDataElement(metainfo=dict(video_id=name, grid=grid, duration_s=duration_s))
    video = torch.from_numpy(np.ascontiguousarray(features.T, np.float32))
    batch = detector.data_preprocessor(dict(inputs=[video], data_samples=[sample]))
    (found,) = detector(**batch, mode='predict')
    return DetectedVideo(
        name,
        duration_s,
        found.pred_segments.numpy(),
        found.pred_labels.numpy(),
        found.pred_scores.double().numpy(),
    )
