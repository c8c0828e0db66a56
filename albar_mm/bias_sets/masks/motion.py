"""Background subtraction: the last resort where there is neither a mask nor a box nor a model."""

from dataclasses import dataclass

import cv2
import numpy as np

from ...utils.spec import require
from ...video.source_video import SourceVideo
from .source import MaskResult, MaskSource


@dataclass(frozen=True)
class MotionMasks(MaskSource):
    """What differs from the median of the whole clip.

    Limits: the camera must stand still (under a moving one, edges everywhere become foreground); an
    actor, or a part of one, that covers a place for more than half of the clip becomes background
    there; shadows and moving things other than the actor are foreground. A clip that fails leaves
    masks that are nearly empty, nearly full or in pieces, which the mask statistics show.
    Benchmarks made this way are to be looked at, and their numbers not compared with those of
    other sources.

    Attributes:
        threshold: Difference of the strongest channel from which a pixel is foreground, 1 to 255;
            None takes four times the noise of the clip, at least 12.
        kernel: Side in px, odd, of what is removed as noise and bridged as a gap.
        min_area: Share of the image that a piece must cover to stay.
    """

    threshold: float | None = None
    kernel: int = 5
    min_area: float = 0.001
    name = 'motion'

    def __post_init__(self) -> None:
        limit = self.threshold
        require(
            self,
            threshold=(limit is None or 1 <= limit <= 255, 'a number from 1 to 255'),
            kernel=(self.kernel > 0 and self.kernel % 2 == 1, 'an odd whole number from 1'),
            min_area=(0 <= self.min_area <= 1, 'a number from 0 to 1'),
        )

    def _make(self, video: SourceVideo) -> MaskResult:
        frames = video.frames
        background = np.median(frames, axis=0).astype(np.int16)
        small = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
        large = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (self.kernel, self.kernel))
        difference = np.stack([np.abs(frame - background).max(-1) for frame in frames])
        # the median over a clip is that of still pixels; 1.48 x it estimates their deviation
        noise = 1.48 * float(np.median(difference))
        limit = self.threshold if self.threshold is not None else max(12.0, 4 * noise)
        masks = np.zeros(frames.shape[:3], dtype=bool)
        for index, moving in enumerate(difference > limit):
            image = cv2.morphologyEx(moving.astype(np.uint8), cv2.MORPH_OPEN, small)
            image = cv2.morphologyEx(image, cv2.MORPH_CLOSE, large)
            masks[index] = keep_pieces(image.astype(bool), self.min_area * image.size)
        return MaskResult(masks)


def keep_pieces(mask: np.ndarray, min_pixels: float) -> np.ndarray:
    """Drop connected pieces (at edges or corners) of less than ``min_pixels``; bool (H, W)."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    stays = stats[:, cv2.CC_STAT_AREA] >= min_pixels
    stays[0] = False  # what is not mask
    return stays[labels]
