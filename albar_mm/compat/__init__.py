"""Mends that let released mmaction2 1.2.0 and mmengine 0.10.7 run on today's libraries."""

from .config import resolve_config
from .mends import applied, apply, known

__all__ = ['CheckpointError', 'applied', 'apply', 'known', 'resolve_config', 'safe_load']


def __getattr__(name: str) -> object:
    # These need torch and mmengine, whose absence is for apply() to explain.
    if name in ('CheckpointError', 'safe_load'):
        from . import checkpoint

        return getattr(checkpoint, name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
