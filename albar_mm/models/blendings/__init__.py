"""Mini-batch blendings: the methods of the comparison that change clips, not networks."""

from .actorcutmix import ActorCutMixBlending
from .base import ClipBlending
from .be import BEBlending
from .chain import ChainedBlending
from .fame import FAMEBlending
from .mixup import ClipMixupBlending
from .stillmix import StillMixBlending
from .videomix import VideoMixBlending

__all__ = [
    'ActorCutMixBlending',
    'BEBlending',
    'ChainedBlending',
    'ClipBlending',
    'ClipMixupBlending',
    'FAMEBlending',
    'StillMixBlending',
    'VideoMixBlending',
]
