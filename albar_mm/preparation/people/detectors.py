"""Person detectors: OpenCV's own, ONNX models, masks made into boxes, and other files.

They are frozen dataclasses, cheap to make and picklable, with a ``name`` for the report;
``settings()``, all that decides the boxes, as plain JSON; ``check()``, which raises a
``DatasetError`` before long work if it cannot work here; and ``detect(video)``, which gives for
each of T frames its boxes, float (n, 5) of x1, y1, x2, y2, score in px of the frame.
"""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...annotations.person_boxes import read_person_boxes
from ...bias_sets.masks.network import ImageModel, model_sha256
from ...bias_sets.masks.refine import keep_pieces
from ...bias_sets.masks.source import MaskSource
from ...utils.errors import DatasetError
from ...utils.identity import file_identity
from ...utils.parallel import one_opencv_thread
from ...utils.spec import require
from ...video.source_video import SourceVideo


class FrameDetector:
    """Looks at frames one by one, on its own."""

    def detect(self, video: SourceVideo) -> list[np.ndarray]:
        return [self._frame(frame) for frame in video.frames]


@dataclass(frozen=True)
class HogDetector(FrameDetector):
    """OpenCV's built-in people detector: HOG features and a linear SVM (Dalal and Triggs, 2005).

    It needs no file, and finds people who stand upright, whole and at least about 100 px tall in
    the (enlarged) frame; few others. A box has a margin around the person, about a tenth of it at
    every side, as in the windows that the SVM was trained on. The score is the sigmoid of the
    distance from the SVM's plane.

    Attributes:
        enlarge: Factor by which frames are enlarged first, to find smaller people.
        margin: Distance from the plane from which a window counts.
        stride: Step of the window in px, a multiple of 8.
    """

    enlarge: float = 1.0
    margin: float = 0.0
    stride: int = 8
    name = 'hog'

    def __post_init__(self) -> None:
        require(
            self,
            enlarge=(self.enlarge > 0, 'a number > 0'),
            stride=(self.stride > 0 and self.stride % 8 == 0, 'a multiple of 8'),
        )

    def check(self) -> None:
        _hog()

    def settings(self) -> dict[str, Any]:
        return dict(name=self.name, **asdict(self), opencv=cv2.__version__)

    def _frame(self, frame: np.ndarray) -> np.ndarray:
        image = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
        # the window is 64x128 px; smaller frames hold none
        factor = max(self.enlarge, 64 / frame.shape[1], 128 / frame.shape[0])
        if factor != 1:
            image = cv2.resize(image, None, fx=factor, fy=factor)
        found, margins = _hog().detectMultiScale(
            image, hitThreshold=self.margin, winStride=(self.stride, self.stride), scale=1.05
        )
        if not len(found):
            return np.empty((0, 5))
        x, y, width, height = (np.asarray(found, dtype=np.float64) / factor).T
        scores = 1 / (1 + np.exp(-np.ravel(margins).astype(np.float64)))
        return np.stack([x, y, x + width, y + height, scores], axis=1)


@dataclass(frozen=True)
class MaskBoxes:
    """Boxes around the connected pieces of masks, e.g. of a person segmenter; their score is 1.

    Attributes:
        masks: Where the masks come from.
        min_area: Share of the image that a piece must cover.
        label: Name of the detector, where the masks' own name would not do.
    """

    masks: MaskSource
    min_area: float = 0.002
    label: str = ''

    @property
    def name(self) -> str:
        return self.label or self.masks.name

    def check(self) -> None:
        self.masks.check()

    def settings(self) -> dict[str, Any]:
        return dict(
            name=self.name,
            min_area=self.min_area,
            masks=self.masks.settings(),
            opencv=cv2.__version__,
        )

    def detect(self, video: SourceVideo) -> list[np.ndarray]:
        return [mask_boxes(one, self.min_area * one.size) for one in self.masks.masks(video)]


@dataclass(frozen=True)
class FileBoxes:
    """Boxes that somebody else detected or annotated, to be written in our format.

    Attributes:
        path: See :func:`albar_mm.annotations.person_boxes.read_person_boxes`.
    """

    path: Path
    name = 'file'

    def check(self) -> None:
        read_person_boxes(self.path)

    def settings(self) -> dict[str, Any]:
        return dict(name=self.name, **file_identity(self.path))

    def detect(self, video: SourceVideo) -> list[np.ndarray]:
        known = read_person_boxes(self.path)
        boxes = known.of(str(video.path))
        if boxes is None:
            raise known.missing(str(video.path))
        return boxes.rows(range(len(video.frames)))


@dataclass(frozen=True)
class EveryNth:
    """Runs a detector on every n-th frame; the others take the boxes of the nearest of those.

    Attributes:
        detector: The detector, checked already; it looks at frames, not at the video file.
        every: n.
    """

    detector: FrameDetector | MaskBoxes
    every: int

    @property
    def name(self) -> str:
        return self.detector.name

    def settings(self) -> dict[str, Any]:
        return dict(self.detector.settings(), every=self.every)

    def detect(self, video: SourceVideo) -> list[np.ndarray]:
        some = replace(video)
        some.frames = video.frames[:: self.every]
        found = self.detector.detect(some)
        nearest = np.rint(np.arange(len(video.frames)) / self.every).astype(int)
        return [found[index] for index in nearest.clip(max=len(found) - 1)]


def mask_boxes(mask: np.ndarray, min_pixels: float) -> np.ndarray:
    """Boxes around the connected pieces of a mask.

    Args:
        mask: bool (H, W).
        min_pixels: Area from which a piece counts.

    Returns:
        float64 (n, 5) of x1, y1, x2, y2, x2 and y2 exclusive, and the score 1.
    """
    pieces = keep_pieces(mask, min_pixels).astype(np.uint8)
    stats = cv2.connectedComponentsWithStats(pieces, connectivity=8)[2][1:]
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    right, bottom = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
    return np.stack([left, top, right, bottom, np.ones(len(stats))], axis=1).astype(np.float64)


@lru_cache(maxsize=1)
def _hog() -> Any:
    try:
        detector = cv2.HOGDescriptor()
        detector.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())
    except AttributeError as error:
        raise DatasetError(
            f'this build of OpenCV {cv2.__version__} has no people detector (OpenCV 5 keeps it in '
            'opencv-contrib): install opencv-contrib-python, or take --detector onnx:FILE '
            'or segmenter:FILE'
        ) from error
    return detector


OUTPUTS = ('auto', 'classes', 'objectness', 'suppressed')
_PAD = 114  # grey with which the YOLO family fills up


@dataclass(frozen=True)
class OnnxDetector(FrameDetector, ImageModel):
    """Every frame through an object detector, on the CPU; boxes of the person class are kept.

    A frame is resized to the input of the model with its aspect ratio, filled up with grey at the
    right and the bottom (``resize='stretch'``: resized without regard to the ratio), and fed as
    NCHW. Layouts of the output:

    - ``classes``: (1, 4 + C, N) or (1, N, 4 + C), centre x, centre y, width, height in px of the
      input, and a score for every class (YOLOv8 and later, as exported);
    - ``objectness``: (1, N, 5 + C), or transposed, the same with the score of an object before
      those of the classes, by which they are multiplied (YOLOv5, YOLOv7);
    - ``suppressed``: (1, N, 6) or (N, 6), x1, y1, x2, y2, score, class, of which ``nms`` drops
      none (YOLOv10, or models exported with the suppression);
    - ``auto``: by the number of values of a box, 84, 85 or 6. A model of another number of classes
      than COCO's 80 must be told.

    Of boxes that overlap by more than ``nms`` only the best stays.

    Attributes:
        output: One of ``OUTPUTS``.
        person: Index of the class of people.
        threshold: Score from which a box is written; later steps have thresholds of their own.
        nms: Intersection over union from which two boxes are one.
        resize: ``'pad'`` or ``'stretch'``.
        normalized: Whether coordinates are shares of the input instead of px.
    """

    output: str = 'auto'
    person: int = 0
    threshold: float = 0.25
    nms: float = 0.45
    resize: str = 'pad'
    normalized: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self,
            output=(self.output in OUTPUTS, ', '.join(OUTPUTS)),
            person=(self.person >= 0, 'a class index from 0'),
            threshold=(0 <= self.threshold < 1, 'a score from 0 to below 1'),
            nms=(0 < self.nms <= 1, 'an intersection over union'),
            resize=(self.resize in ('pad', 'stretch'), 'pad or stretch'),
        )

    @property
    def name(self) -> str:
        return f'onnx({self.model.stem})'

    def settings(self) -> dict[str, Any]:
        return dict(
            asdict(self),
            name=self.name,
            model=self.model.name,
            sha256=model_sha256(self.model),
            opencv=cv2.__version__,
        )

    def check(self) -> None:
        with one_opencv_thread():
            self._frame(np.full((120, 160, 3), _PAD, np.uint8))

    def _frame(self, frame: np.ndarray) -> np.ndarray:
        size = self.input_size()
        image, factors = self._fitted(frame, size)
        boxes, scores, suppressed = self._decode(self.run(image))
        if self.normalized:
            boxes = boxes * (size[1], size[0], size[1], size[0])
        kept = scores >= self.threshold
        boxes, scores = boxes[kept] / np.tile(factors, 2), scores[kept]
        rows = np.concatenate([boxes, scores[:, None]], axis=1)
        if suppressed:
            return rows[np.argsort(-scores, kind='stable')]
        corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
        best = cv2.dnn.NMSBoxes(corner_and_size.tolist(), scores.tolist(), 0.0, self.nms)
        return rows[np.ravel(best).astype(int)]

    def _fitted(self, frame: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """The frame at that size, and the factors of width and height from the frame to it."""
        (height, width), (rows, columns) = frame.shape[:2], size
        if self.resize == 'pad':
            factor = min(rows / height, columns / width)
            inner = max(1, round(height * factor)), max(1, round(width * factor))
        else:
            inner = size
        image = np.full((rows, columns, 3), _PAD, np.uint8)
        image[: inner[0], : inner[1]] = cv2.resize(frame, inner[::-1])
        return image, np.array([inner[1] / width, inner[0] / height])

    def _decode(self, output: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
        """Boxes (N, 4) as corners in px of the input, scores (N,) of the person class, and whether
        the model suppressed overlaps."""
        if output.ndim == 3 and output.shape[0] == 1:
            output = output[0]
        if output.ndim != 2:
            raise self._no_boxes(output)
        layout = self.output
        if layout == 'auto':
            known = {84: 'classes', 85: 'objectness', 6: 'suppressed'}
            fitting = [side for side in (output.shape[1], output.shape[0]) if side in known]
            if not fitting:
                raise self._no_boxes(output)
            layout = known[fitting[0]]
            if output.shape[1] != fitting[0]:
                output = output.T
        elif layout != 'suppressed' and output.shape[0] < output.shape[1]:
            output = output.T  # there are more boxes than values of a box
        output = output.astype(np.float64)
        if layout == 'suppressed':
            if output.shape[1] != 6:
                raise self._no_boxes(output)
            mine = np.rint(output[:, 5]) == self.person
            return output[mine, :4], output[mine, 4], True
        first = 4 if layout == 'classes' else 5
        if output.shape[1] <= first + self.person:
            raise DatasetError(
                f'{self.model}: gives {output.shape[1] - first} classes; '
                f'person={self.person} is none of them'
            )
        scores = output[:, first + self.person]
        if layout == 'objectness':
            scores = scores * output[:, 4]
        centre, half = output[:, :2], output[:, 2:4] / 2
        return np.concatenate([centre - half, centre + half], axis=1), scores, False

    def _no_boxes(self, output: np.ndarray) -> DatasetError:
        return DatasetError(
            f'{self.model}: gives an output of shape {output.shape}; expected (1, 4 + C, N), '
            '(1, N, 4 + C), (1, N, 5 + C), (1, N, 6) or (N, 6); say which with output=classes, '
            'objectness or suppressed'
        )


PersonDetector = FrameDetector | MaskBoxes | FileBoxes | EveryNth
