"""Person detection with any ONNX object detector that OpenCV's ``dnn`` runs."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...bias_sets.masks.network import (
    image_blob,
    image_size,
    load_network,
    model_sha256,
    require_input,
)
from ...utils.errors import DatasetError
from ...utils.parallel import one_opencv_thread
from ...utils.spec import require
from .detectors import FrameDetector

OUTPUTS = ('auto', 'classes', 'objectness', 'suppressed')
"""How a model lays out its boxes; see :class:`OnnxDetector`."""
_PAD = 114  # grey with which the YOLO family fills up


@dataclass(frozen=True)
class OnnxDetector(FrameDetector):
    """Every frame through an object detector, on the CPU; boxes of the person class are kept.

    A frame is resized to the input of the model with its aspect ratio, filled up with grey at the
    right and the bottom (``resize='stretch'``: resized without regard to the ratio), and fed as
    ``(pixel * scale - mean) / std``, NCHW. Layouts of the output:

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
        model: ``.onnx`` file (or ``.tflite`` with an NCHW input).
        size: Height and width of the input in px; None takes what the model says.
        output: One of ``OUTPUTS``.
        person: Index of the class of people.
        threshold: Score from which a box is written; later steps have thresholds of their own.
        nms: Intersection over union from which two boxes are one.
        resize: ``'pad'`` or ``'stretch'``.
        scale: Factor of the pixel values 0 to 255.
        mean: Subtracted after scaling, in the order of ``channels``.
        std: Divided by after that.
        channels: ``'rgb'`` or ``'bgr'``.
        normalized: Whether coordinates are shares of the input instead of px.
        layer: Name of the output, where there are several.
    """

    model: Path
    size: tuple[int, int] | None = None
    output: str = 'auto'
    person: int = 0
    threshold: float = 0.25
    nms: float = 0.45
    resize: str = 'pad'
    scale: float = 1 / 255
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    channels: str = 'rgb'
    normalized: bool = False
    layer: str | None = None

    def __post_init__(self) -> None:
        require_input(self)
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
        """``onnx(<name of the model without its ending>)``."""
        return f'onnx({self.model.stem})'

    def settings(self) -> dict[str, Any]:
        """All settings as plain JSON, with the SHA-256 of the model."""
        return dict(
            asdict(self),
            name=self.name,
            model=self.model.name,
            sha256=model_sha256(self.model),
            opencv=cv2.__version__,
        )

    def check(self) -> None:
        """Run the model on a grey frame.

        Raises:
            DatasetError: It cannot be loaded or run, or gives something else than boxes.
        """
        with one_opencv_thread():
            self._frame(np.full((120, 160, 3), _PAD, np.uint8))

    def _frame(self, frame: np.ndarray) -> np.ndarray:
        network = load_network(self.model)
        size = image_size(self.model, self.size, network.input_shape)
        blob, factors = self._blob(frame, size)
        boxes, scores, suppressed = self._decode(network.run(blob, self.layer))
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

    def _blob(self, frame: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """The input, and the factors of width and height from the frame to it."""
        (height, width), (rows, columns) = frame.shape[:2], size
        if self.resize == 'pad':
            factor = min(rows / height, columns / width)
            inner = max(1, round(height * factor)), max(1, round(width * factor))
        else:
            inner = size
        image = np.full((rows, columns, 3), _PAD, np.uint8)
        image[: inner[0], : inner[1]] = cv2.resize(frame, inner[::-1])
        blob = image_blob(image, self.scale, self.mean, self.std, self.channels)
        return blob, np.array([inner[1] / width, inner[0] / height])

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
        if not np.isfinite(output).all():
            raise DatasetError(
                f'{self.model}: gives values that are not finite; check scale, mean and std'
            )
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
