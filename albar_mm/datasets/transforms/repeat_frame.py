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

    def _arrange(
        self, rendered: dict[int, np.ndarray], indices: np.ndarray
    ) -> list[np.ndarray]:
        (frame,) = rendered.values()
        return [frame, *(frame.copy() for _ in indices[1:])]
