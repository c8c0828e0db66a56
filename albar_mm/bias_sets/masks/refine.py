"""Person boxes refined to silhouettes: the fix of the UCF101 sets, whose boxes leak background.

And background subtraction: the last resort where there is neither a mask nor a box nor a model.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ...utils.errors import DatasetError
from ...utils.spec import require
from ...video.source_video import SourceVideo
from .boxes import BoxMasks
from .source import MaskResult, MaskSource

CONTEXT = 0.5
"""How much sure background around the padded box is looked at, in shares of its sides."""
CORE = (0.2, 0.75)
"""Width and height, in shares of the box, of the ellipse in its middle that is the actor for sure.
Without it, what resembles the surroundings is lost: heads before trees, legs on a lawn. On the
first 12 frames of one JHMDB clip per class, boxes loosened by up to 30 %, the mean IoU with the
puppet masks is 0.54; without it 0.44, and that of the boxes 0.31."""
BODY = (0.7, 0.95)
"""The same of the ellipse that is probably the actor, where no frame before tells."""
KEPT_BODY = (0.4, 0.8)
"""The same where one does: what it lost can come back."""
MAX_SIDE = 160
"""Larger cut-outs are shrunk to this side in px: time grows with the area, outlines hardly gain."""
_FOREGROUND = (cv2.GC_FGD, cv2.GC_PR_FGD)
#: a silhouette that adds less than this share of the core to the core found no actor there
_GROWTH = 0.25
#: pieces smaller than this share of the largest one are taken for noise
_PIECE = 0.1
MIN_BOX_SHARE = 0.05
"""A silhouette that keeps less of its box than this has lost the actor."""


def padded_box(box: np.ndarray, padding: float, width: int, height: int) -> np.ndarray:
    """Enlarge a box, int x1, y1, x2, y2, by a share of its sides on each side, within the image."""
    margin = [round(padding * int(side)) for side in box[2:] - box[:2]]
    corners = np.maximum(box[:2] - margin, 0), np.minimum(box[2:] + margin, (width, height))
    return np.concatenate(corners).astype(np.int64)


def silhouette_or_box(
    mask: np.ndarray, box: np.ndarray, limit: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Cut a silhouette to the padded box ``limit``; one that lost the actor becomes the box itself.

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
class GrabCutMasks(MaskSource):
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
    kind = 'grabcut'

    def __post_init__(self) -> None:
        _require_boxes(self.boxes, 'grabcut')
        require(
            self,
            padding=(0 <= self.padding <= 1, 'a number from 0 to 1'),
            iterations=(self.iterations >= 1, 'a whole number from 1'),
            seed=(self.seed >= 0, 'a whole number from 0'),
        )

    def _make(self, video: SourceVideo) -> MaskResult:
        frames = video.frames
        masks = np.zeros(frames.shape[:3], dtype=bool)
        height, width = frames.shape[1:3]
        fallbacks = boxes = 0
        for tube in self.boxes.fitted_tubes(video):
            boxes += len(tube.frames)
            before: tuple[int, np.ndarray, np.ndarray] | None = None
            for frame, box in zip(tube.frames, tube.boxes, strict=True):
                limit = padded_box(box, self.padding, width, height)
                prior = None
                if self.propagate and before is not None and before[0] == frame - 1:
                    prior = _moved(before[1], before[2], box)
                mask = silhouette(frames[frame], box, limit, prior, self.iterations, self.seed)
                mask, is_box = silhouette_or_box(mask, box, limit)
                fallbacks += is_box
                # a box is no silhouette to go on from
                before = None if is_box else (int(frame), mask, box)
                masks[frame] |= mask
        return MaskResult(masks, dict(boxes=boxes, box_fallbacks=fallbacks))


@dataclass(frozen=True)
class WithinBoxes(MaskSource):
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
    kind = 'within'

    def __post_init__(self) -> None:
        _require_boxes(self.boxes, 'within')
        require(self, padding=(0 <= self.padding <= 1, 'a number from 0 to 1'))

    def _make(self, video: SourceVideo) -> MaskResult:
        given = self.source.result(video)
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


def silhouette(
    frame: np.ndarray,
    box: np.ndarray,
    limit: np.ndarray,
    prior: np.ndarray | None = None,
    iterations: int = 2,
    seed: int = 0,
) -> np.ndarray:
    """Cut one actor out of a frame, uint8 RGB (H, W, 3); the box is int x1, y1, x2, y2.

    Outside of ``limit``, the padded box, is background; ``prior``, bool (H, W), is where the
    actor probably is (default: in the middle of the box). bool (H, W), empty where nothing
    stands out.
    """
    height, width = frame.shape[:2]
    dx, dy = (int(CONTEXT * side) + 2 for side in (limit[2] - limit[0], limit[3] - limit[1]))
    x1, y1 = max(limit[0] - dx, 0), max(limit[1] - dy, 0)
    x2, y2 = min(limit[2] + dx, width), min(limit[3] + dy, height)
    trimap = _trimap(box, limit, prior, (height, width))[y1:y2, x1:x2]
    view = frame[y1:y2, x1:x2]
    scale = min(1.0, MAX_SIDE / max(view.shape[:2]))
    size = tuple(max(1, round(scale * side)) for side in (view.shape[1], view.shape[0]))
    small = cv2.resize(view, size, interpolation=cv2.INTER_AREA)
    labels = cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)
    mask = np.zeros((height, width), dtype=bool)
    foreground = np.isin(labels, _FOREGROUND)
    if foreground.all() or not foreground.any():
        return mask  # there is no background to tell it from
    cv2.setRNGSeed(seed)
    image, models = np.ascontiguousarray(small), (np.zeros((1, 65)), np.zeros((1, 65)))
    cv2.grabCut(image, labels, None, *models, iterations, cv2.GC_INIT_WITH_MASK)
    found = np.isin(labels, _FOREGROUND).astype(np.float32)
    smooth = cv2.resize(found, (view.shape[1], view.shape[0]), interpolation=cv2.INTER_LINEAR)
    mask[y1:y2, x1:x2] = _tidy(smooth >= 0.5)
    core = ellipse(box, CORE, (height, width))
    if (mask & ~core).sum() < _GROWTH * core.sum():
        mask[:] = False
    return mask


def _trimap(
    box: np.ndarray, limit: np.ndarray, prior: np.ndarray | None, shape: tuple[int, int]
) -> np.ndarray:
    labels = np.full(shape, cv2.GC_BGD, dtype=np.uint8)
    labels[limit[1] : limit[3], limit[0] : limit[2]] = cv2.GC_PR_BGD
    likely = (
        ellipse(box, BODY, shape) if prior is None else (prior | ellipse(box, KEPT_BODY, shape))
    )
    labels[likely & (labels == cv2.GC_PR_BGD)] = cv2.GC_PR_FGD
    labels[ellipse(box, CORE, shape) & (labels != cv2.GC_BGD)] = cv2.GC_FGD
    return labels


def ellipse(box: np.ndarray, share: tuple[float, float], shape: tuple[int, int]) -> np.ndarray:
    """An ellipse in the middle of a box: bool (H, W), pixels whose centres lie in it.

    ``share`` is its width and height in shares of those of the box, ``shape`` that of the image.
    """
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    radii = [max(share[i] * (box[i + 2] - box[i]) / 2, 0.5) for i in (0, 1)]
    across = (columns + 0.5 - (box[0] + box[2]) / 2) / radii[0]
    down = (rows + 0.5 - (box[1] + box[3]) / 2) / radii[1]
    return across**2 + down**2 <= 1


def _tidy(mask: np.ndarray) -> np.ndarray:
    """Close pinholes and drop crumbs."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    areas = cv2.connectedComponentsWithStats(closed, connectivity=8)[2][1:, cv2.CC_STAT_AREA]
    if not len(areas):
        return mask
    return keep_pieces(closed.astype(bool), _PIECE * areas.max())


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
