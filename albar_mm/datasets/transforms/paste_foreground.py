"""Confl-FG on the fly."""

from mmaction.registry import TRANSFORMS

from .swap_background import CompositeFrames


@TRANSFORMS.register_module()
class PasteForeground(CompositeFrames):
    """Confl-FG: as :class:`SwapBackground`, with a still foreground of another class between.

    Args:
        bias_root: Folder of the benchmark; its ``stills/`` holds the foregrounds.
        backgrounds: Background family -> folder of its images; stripes need none.
    """

    domain = 'conflfg'
