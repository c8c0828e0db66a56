"""Mends that let released mmaction2 1.2.0 and mmengine 0.10.7 run on today's libraries."""

from ..utils.errors import CheckpointError
from .config import resolve_config
from .mends import applied, apply, known

__all__ = ['CheckpointError', 'applied', 'apply', 'known', 'resolve_config', 'safe_load']


def __getattr__(name: str) -> object:
    # It needs torch and mmengine, whose absence is for apply() to explain.
    if name == 'safe_load':
        from .checkpoint import safe_load

        return safe_load
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
