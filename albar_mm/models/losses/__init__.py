"""Static losses: what a network may say about a clip without motion."""

from .static_losses import (
    StaticAdversarialLoss,
    StaticEntropyLoss,
    StaticGradientPenalty,
    StaticLoss,
    StaticPass,
)

__all__ = [
    'StaticAdversarialLoss',
    'StaticEntropyLoss',
    'StaticGradientPenalty',
    'StaticLoss',
    'StaticPass',
]
