"""``motion_sprites``: an embedded benchmark of short labelled video files.

The class is the motion alone; in training, background and actor look agree with it at set rates.
"""

from .builder import GENERATOR, SpritesSettings, build_motion_sprites, split_clips
from .looks import CLASSES

__all__ = ['CLASSES', 'GENERATOR', 'SpritesSettings', 'build_motion_sprites', 'split_clips']
