"""SCUFO on the fly."""

from __future__ import annotations

import numpy as np
from mmaction.registry import TRANSFORMS

from .swap_background import CompositeFrames


@TRANSFORMS.register_module()
class RepeatFrame(CompositeFrames):
    """SCUFO: composites the one frame that the row names and repeats it.

    Args:
        bias_root: Folder of the benchmark.
        backgrounds: Background family -> folder of its images; stripes need none.
    """

    domain = 'scufo'

    def _shown(self, frames: list[int], indices: np.ndarray) -> list[int]:
        return [0] * len(indices)
