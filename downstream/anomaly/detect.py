"""Scores of single videos by a trained detector."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from torch import nn

from albar_mm.engine.launch import LaunchError, load_config, unfilled

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


def config_beside(checkpoint: str | os.PathLike) -> Path:
    """The config that a training wrote beside its weights.

    Args:
        checkpoint: The weights.

    Raises:
        LaunchError: There is none, or several.
    """
    found = sorted(Path(checkpoint).parent.glob('*.py'))
    if len(found) != 1:
        raise LaunchError(f'{Path(checkpoint).parent}: {len(found)} configs beside the checkpoint; '
                          'name the one of the detector (--config)')  # fmt: skip
    return found[0]


def load_detector(config: str | os.PathLike | Config, checkpoint: str | os.PathLike) -> nn.Module:
    """A detector with its weights, ready to score.

    Args:
        config: Its config.
        checkpoint: Its weights; loaded as data.

    Raises:
        LaunchError: The weights are not there or do not fit.
    """
    cfg, path = load_config(config), os.fspath(checkpoint)
    if not os.path.isfile(path):
        raise LaunchError(f'checkpoint {path}: no such file')
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    model = MODELS.build(cfg.model)
    given = load_checkpoint(model, path, map_location='cpu', logger='silent')
    fault = unfilled(model.named_parameters(), given.get('state_dict', given))
    if fault:
        raise LaunchError(f'checkpoint {path} does not fit the model of {cfg.filename}: {fault}')
    model.train(False)
    return model


@torch.inference_mode()
def score_features(detector: nn.Module, features: np.ndarray) -> np.ndarray:
    """Scores of the snippets of a video.

    Args:
        detector: From :func:`load_detector`.
        features: Shape (T, C), or (T, crops, C).

    Returns:
        float64 in [0, 1], shape (T,).
    """
    crops = features[:, None] if features.ndim == 2 else features
    video = torch.from_numpy(np.ascontiguousarray(crops.swapaxes(0, 1), np.float32))
    (scores,) = detector([video])
    return scores.double().numpy()
