"""Person boxes refined to silhouettes: the fix of the UCF101 sets, whose boxes leak background."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ...annotations.tubes import Tube
from ...utils.errors import DatasetError
from ...utils.spec import require
from ...video.source_video import SourceVideo
from .boxes import BoxMasks
from .grabcut import GrabCut
from .source import CheckedMasks, MaskResult, MaskSource, files_of, result_of

MIN_BOX_SHARE = 0.05
"""A silhouette that keeps less of its box than this has lost the actor."""


def padded_box(box: np.ndarray, padding: float, width: int, height: int) -> np.ndarray:
    """Enlarge a box on every side, within the image.

    Args:
        box: int x1, y1, x2, y2.
        padding: Share of the box's width and height to add on each side.
        width: Width of the image in px.
        height: Height of the image in px.

    Returns:
        int64 x1, y1, x2, y2.
    """
    dx, dy = (round(padding * int(side)) for side in (box[2] - box[0], box[3] - box[1]))
    return np.array(
        [
            max(box[0] - dx, 0),
            max(box[1] - dy, 0),
            min(box[2] + dx, width),
            min(box[3] + dy, height),
        ],
        dtype=np.int64,
    )


def silhouette_or_box(
    mask: np.ndarray, box: np.ndarray, limit: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Cut a silhouette to the padded box; one that lost the actor becomes the box itself.

    Args:
        mask: bool (H, W).
        box: int x1, y1, x2, y2.
        limit: The padded box.

    Returns:
        bool (H, W), never empty, and whether it is the box.
    """
    found = np.zeros_like(mask)
    inside = np.s_[limit[1] : limit[3], limit[0] : limit[2]]
    found[inside] = mask[inside]
    own = np.s_[box[1] : box[3], box[0] : box[2]]
    if found[own].sum() < max(1.0, MIN_BOX_SHARE * found[own].size):
        found[:] = False
        found[own] = True
        return found, True
    return found, False


@dataclass(frozen=True)
class GrabCutMasks(CheckedMasks):
    """Every actor's box refined by GrabCut (Rother et al., SIGGRAPH 2004), without any model.

    Outside of the padded box is background for sure, a slim ellipse in the middle of the box is the
    actor; the rest is decided by colour and edges. The silhouette of the frame before, moved with
    the box, tells where the actor probably is. The result lies within the padded boxes and is never
    empty where there is a box: one that loses the actor is replaced by the box, counted as
    ``box_fallbacks``. Where actor and background have the same colours, the silhouette keeps
    background or loses limbs: look at the contact sheet.

    Attributes:
        boxes: The boxes.
        padding: Share of the box's sides that is added on each side: boxes cut off limbs.
        iterations: Iterations of GrabCut per frame.
        propagate: Whether frames learn from the frame before.
        seed: Of GrabCut's colour clustering.
    """

    boxes: BoxMasks
    padding: float = 0.05
    iterations: int = 2
    propagate: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        _require_boxes(self.boxes, 'grabcut')
        require(
            self,
            padding=(0 <= self.padding <= 1, 'a number from 0 to 1'),
            iterations=(self.iterations >= 1, 'a whole number from 1'),
            seed=(self.seed >= 0, 'a whole number from 0'),
        )

    @property
    def name(self) -> str:  # type: ignore[override]
        """``grabcut(<boxes>)``."""
        return f'grabcut({self.boxes.name})'

    def _make(self, video: SourceVideo) -> MaskResult:
        masks = np.zeros(video.frames.shape[:3], dtype=bool)
        fallbacks = boxes = 0
        for tube in self.boxes.fitted_tubes(video):
            boxes += len(tube.frames)
            fallbacks += self._add_tube(masks, tube, video.frames)
        return MaskResult(masks, dict(boxes=boxes, box_fallbacks=fallbacks))

    def _add_tube(self, masks: np.ndarray, tube: Tube, frames: np.ndarray) -> int:
        height, width = masks.shape[1:]
        fallbacks = 0
        cut = GrabCut(self.iterations, self.seed)
        before: tuple[int, np.ndarray, np.ndarray] | None = None
        for frame, box in zip(tube.frames, tube.boxes, strict=True):
            limit = padded_box(box, self.padding, width, height)
            prior = None
            if self.propagate and before is not None and before[0] == frame - 1:
                prior = _moved(before[1], before[2], box)
            mask = cut.silhouette(frames[frame], box, limit, prior)
            mask, is_box = silhouette_or_box(mask, box, limit)
            fallbacks += is_box
            # a box is no silhouette to go on from
            before = None if is_box else (int(frame), mask, box)
            masks[frame] |= mask
        return fallbacks


@dataclass(frozen=True)
class WithinBoxes(CheckedMasks):
    """Any source's masks within the padded boxes: a segmenter of one's own, prompted with boxes.

    Persons without a box are dropped. A box in which the source finds less than 5 % is kept whole
    and counted as ``box_fallbacks``; frames without a box have no mask.

    Attributes:
        source: The masks.
        boxes: The boxes.
        padding: Share of the box's sides that is added on each side.
    """

    source: MaskSource
    boxes: BoxMasks
    padding: float = 0.05

    def __post_init__(self) -> None:
        _require_boxes(self.boxes, 'within')
        require(self, padding=(0 <= self.padding <= 1, 'a number from 0 to 1'))

    @property
    def name(self) -> str:  # type: ignore[override]
        """``within(<source>,<boxes>)``."""
        return f'within({self.source.name},{self.boxes.name})'

    def files(self, video: SourceVideo) -> list[Path]:
        """The files of both."""
        return [*files_of(self.source, video), *self.boxes.files(video)]

    def _make(self, video: SourceVideo) -> MaskResult:
        given = result_of(self.source, video)
        height, width = given.masks.shape[1:]
        masks = np.zeros_like(given.masks)
        fallbacks = count = 0
        for index, boxes in enumerate(self.boxes.boxes(video)):
            for box in boxes:
                limit = padded_box(box, self.padding, width, height)
                mask, is_box = silhouette_or_box(given.masks[index], box, limit)
                masks[index] |= mask
                fallbacks, count = fallbacks + is_box, count + 1
        return MaskResult(masks, dict(given.notes, boxes=count, box_fallbacks=fallbacks))


def _require_boxes(source: object, where: str) -> None:
    if not isinstance(source, BoxMasks):
        raise DatasetError(
            f'{where} refines person boxes, got {getattr(source, "name", source)!r}; '
            f'expected boxes:<pickle or text file>'
        )


def _moved(mask: np.ndarray, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Move and scale a mask as its box moved and grew."""
    scale = (new[2:] - new[:2]) / (old[2:] - old[:2])
    shift = new[:2] - scale * old[:2]
    matrix = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])
    size = (mask.shape[1], mask.shape[0])
    return cv2.warpAffine(mask.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST) > 0
