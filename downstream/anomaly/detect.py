"""Scores of single videos by a trained detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ..features.time_grid import TimeGrid


@dataclass(frozen=True)
class ScoredVideo:
    """Scores of a video.

    Attributes:
        name: The video.
        grid: Its time grid.
        scores: Of the snippets, in [0, 1], shape (T,).
    """

    name: str
    grid: TimeGrid
    scores: np.ndarray

    def of_frames(self) -> np.ndarray:
        """Scores of all frames, shape (N,)."""
        return self.scores[self.grid.snippet_of_frame()]

    def seconds(self) -> np.ndarray:
        """When each frame begins, shape (N,)."""
        return self.grid.frame_to_second(np.arange(self.grid.num_frames))


@torch.inference_mode()
def score_features(detector: nn.Module, features: np.ndarray) -> np.ndarray:
    """Scores of the snippets of a video.

    Args:
        detector: From :func:`~downstream.detection.runs.load_detector`.
        features: Shape (T, C), or (T, crops, C).

    Returns:
        float64 in [0, 1], shape (T,).
    """
    crops = features[:, None] if features.ndim == 2 else features
    video = torch.from_numpy(np.ascontiguousarray(crops.swapaxes(0, 1), np.float32))
    (scores,) = detector([video])
    return scores.double().numpy()
