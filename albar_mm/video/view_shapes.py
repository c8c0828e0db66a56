"""Which samples come out of a test pipeline in one shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
from mmaction.datasets.transforms import CenterCrop, RandomCrop, Resize, TenCrop, ThreeCrop


def fixes_size(transforms: Iterable[Any]) -> bool:
    """Whether videos of all sizes leave a pipeline with one height and width.

    Args:
        transforms: The steps. Steps that are not MMAction2's are taken to fix nothing.
    """
    crops = CenterCrop, RandomCrop, TenCrop, ThreeCrop
    return any(
        isinstance(step, crops) or (isinstance(step, Resize) and not step.keep_ratio)
        for step in transforms
    )


def frame_size(path: str) -> tuple[int, int]:
    """Height and width in px as a video file's header tells them; (0, 0) if it does not.

    Args:
        path: The video file.
    """
    reader = cv2.VideoCapture(path)
    size = (int(reader.get(cv2.CAP_PROP_FRAME_HEIGHT)), int(reader.get(cv2.CAP_PROP_FRAME_WIDTH)))
    reader.release()
    return size
