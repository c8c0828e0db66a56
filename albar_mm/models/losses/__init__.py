"""Static losses: what a network may say about a clip without motion."""

from .base import StaticLoss, StaticPass
from .static_losses import StaticAdversarialLoss, StaticEntropyLoss, StaticGradientPenalty

__all__ = [
    'StaticAdversarialLoss',
    'StaticEntropyLoss',
    'StaticGradientPenalty',
    'StaticLoss',
    'StaticPass',
]
