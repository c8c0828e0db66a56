"""Running a network of the user's with OpenCV: its file, its input, and the scores it gives; and a
person segmenter, any ONNX or TFLite model that OpenCV can run."""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...utils.errors import DatasetError, reason_of
from ...utils.identity import file_sha256
from ...utils.parallel import one_opencv_thread
from ...utils.spec import require
from ...video.source_video import SourceVideo
from .source import MaskResult, MaskSource

_INPUT = re.compile(r'<Input> \S+ \[([^\]]*)\]')


def model_key(path: Path) -> tuple[Path, int, int]:
    """Path, size in bytes and time of change in ns: a key for caches that reads nothing.

    Raises:
        DatasetError: There is no such file.
    """
    if not path.exists():
        raise DatasetError(f'{path}: no such model file')
    if not path.is_file():
        raise DatasetError(f'{path}: expected the file of a model, not a folder')
    stat = path.stat()
    return path, stat.st_size, stat.st_mtime_ns


def model_sha256(path: Path) -> str:
    """SHA-256 of a file of a network; read once in a process."""
    return _sha256(*model_key(path))


@lru_cache(maxsize=8)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    return file_sha256(path)


@dataclass(frozen=True, eq=False)
class Network:
    """A loaded network.

    Attributes:
        path: Its file.
        net: The network, of this process alone.
        input_shape: Shape of its input, None where a side is free; () where OpenCV cannot tell.
        outputs: Names of its outputs.
    """

    path: Path
    net: cv2.dnn.Net
    input_shape: tuple[int | None, ...]
    outputs: tuple[str, ...]

    def run(self, blob: np.ndarray, layer: str | None = None) -> np.ndarray:
        """Run it on a float32 blob; ``layer`` names the output where there are several.

        Raises:
            DatasetError: The name is missing or wrong, or OpenCV cannot run it.
        """
        if layer is None and len(self.outputs) > 1 or layer not in (None, *self.outputs):
            wrong = f'no output {layer!r}' if layer else f'{len(self.outputs)} outputs'
            raise DatasetError(
                f'{self.path}: {wrong}; name one with layer=, of: {", ".join(self.outputs)}'
            )
        try:
            self.net.setInput(blob)
            return np.asarray(self.net.forward(layer) if layer else self.net.forward())
        except cv2.error as error:
            raise DatasetError(
                f'{self.path}: OpenCV {cv2.__version__} cannot run it on an input of shape '
                f'{blob.shape}; try another size= or layout=: {reason_of(error)}'
            ) from error


def load_network(path: Path) -> Network:
    """Load a network, ``.onnx`` or ``.tflite``, once in a process.

    Raises:
        DatasetError: It is none, or OpenCV cannot read it.
    """
    return _load(*model_key(path))


@lru_cache(maxsize=2)
def _load(path: Path, size: int, mtime_ns: int) -> Network:
    readers = {'.onnx': cv2.dnn.readNetFromONNX, '.tflite': cv2.dnn.readNetFromTFLite}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DatasetError(f'{path}: expected a model that ends in {" or ".join(readers)}')
    try:
        with one_opencv_thread():  # this process may be about to start workers that run the network
            net = reader(str(path))
            if net.empty():
                raise DatasetError(f'{path}: holds an empty network')
            outputs = tuple(net.getUnconnectedOutLayersNames())
            return Network(path, net, _input_shape(net), outputs)
    except (cv2.error, SystemError, UnicodeError) as error:
        raise DatasetError(
            f'{path}: OpenCV {cv2.__version__} cannot read it as {reader.__name__[11:]}: '
            f'{reason_of(error)}'
        ) from error


def score_map(output: np.ndarray, size: tuple[int, int], path: Path) -> np.ndarray:
    """Find the map of scores in an output, channels first or last: float32 (H, W, C).

    (1, C, H, W), (1, H, W, C) or (1, H, W); it may be smaller than the input, of height and width
    ``size``, but of its aspect ratio, by which the two layouts are told apart.

    Raises:
        DatasetError: It is no such map.
    """
    found = None
    if output.ndim == 3 and output.shape[0] == 1:
        found = output[0][..., None]
    elif output.ndim == 4 and output.shape[0] == 1:
        first, last = output[0].transpose(1, 2, 0), output[0]
        fitting = [maps for maps in (first, last) if _same_aspect(maps.shape[:2], size)]
        # a cube fits either way; the fewer channels are likelier
        found = min(fitting, key=lambda maps: maps.shape[2], default=None)
    if found is None or not _same_aspect(found.shape[:2], size):
        raise DatasetError(
            f'{path}: gives an output of shape {output.shape}; expected a map of scores '
            f'(1, C, H, W), (1, H, W, C) or (1, H, W) of the aspect ratio of the input, '
            f'{size[0]}x{size[1]} (height x width)'
        )
    return np.ascontiguousarray(found, dtype=np.float32)


def _same_aspect(shape: tuple[int, ...], size: tuple[int, int]) -> bool:
    """Whether a map is the input shrunk (or enlarged), up to a pixel of rounding."""
    height, width = shape
    if min(height, width) < 2:
        return False
    return abs(height * size[1] - width * size[0]) <= max(size)


def _input_shape(net: cv2.dnn.Net) -> tuple[int | None, ...]:
    """OpenCV 5 lists the input in its dump, the shape in brackets; OpenCV 4 does not."""
    found = _INPUT.search(net.dump())
    if not found:
        return ()
    sides = (side.strip() for side in found[1].split(' x '))
    return tuple(int(side) if side.isdigit() and int(side) > 0 else None for side in sides)


@dataclass(frozen=True)
class ImageModel:
    """A network of the user's that takes one picture, and how that becomes its input.

    It is fed ``(pixel * scale - mean) / std`` of pixels from 0 to 255.

    Attributes:
        model: ``.onnx`` or ``.tflite`` file with one image as its input.
        size: Height and width of the input in px; None takes what the model says.
        scale: Factor of the pixel values.
        mean: Subtracted after scaling, in the order of ``channels``.
        std: Divided by after that.
        channels: ``'rgb'`` or ``'bgr'``.
        layer: Name of the output, where there are several.

    Raises:
        DatasetError: An option is not sound.
    """

    model: Path
    size: tuple[int, int] | None = None
    scale: float = 1 / 255
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    channels: str = 'rgb'
    layer: str | None = None

    def __post_init__(self) -> None:
        size, mean, std = self.size, self.mean, self.std
        require(
            self,
            size=(
                size is None or len(size) == 2 and 0 < min(size) <= max(size) <= 8192,
                'height and width in px',
            ),
            scale=(0 < self.scale < math.inf, 'a number > 0'),
            mean=(len(mean) == 3 and all(map(math.isfinite, mean)), 'three finite numbers'),
            std=(len(std) == 3 and all(0 < value < math.inf for value in std), 'three numbers > 0'),
            channels=(self.channels in ('rgb', 'bgr'), 'rgb or bgr'),
        )

    def input_size(self, channels_first: bool = True) -> tuple[int, int]:
        """Height and width of the image that the model takes: what the user says, or its own.

        Raises:
            DatasetError: It takes no such image, or neither tells the size.
        """
        shape = load_network(self.model).input_shape
        if shape and (len(shape) != 4 or shape[1 if channels_first else 3] not in (3, None)):
            wanted = '(1, 3, height, width)' if channels_first else '(1, height, width, 3)'
            raise DatasetError(
                f'{self.model}: takes an input of shape {shape}; expected an image of 3 colours, '
                f'{wanted}'
            )
        told = shape[2:] if channels_first else shape[1:3]
        size = self.size or told or (None, None)
        if None in size:
            raise DatasetError(
                f'{self.model}: the model does not fix the size of its input (or OpenCV '
                f'{cv2.__version__} cannot tell it); add size=HEIGHTxWIDTH'
            )
        return int(size[0]), int(size[1])

    def run(self, image: np.ndarray, channels_first: bool = True) -> np.ndarray:
        """What the network gives for an image of its size, uint8 RGB (H, W, 3).

        Raises:
            DatasetError: It cannot run, or gives values that are not finite.
        """
        values = image[..., ::-1] if self.channels == 'bgr' else image
        values = values.astype(np.float32) * np.float32(self.scale)
        values = ((values - np.float32(self.mean)) / np.float32(self.std))[None]
        blob = np.ascontiguousarray(values.transpose(0, 3, 1, 2) if channels_first else values)
        output = load_network(self.model).run(blob, self.layer)
        if not np.isfinite(output).all():
            raise DatasetError(
                f'{self.model}: gives values that are not finite; check scale, mean and std'
            )
        return output


OUTPUTS = ('probability', 'logit', 'softmax', 'argmax', 'index')
"""What a model gives: ``probability`` of the person; its ``logit`` (a sigmoid is applied);
scores of classes, to which a ``softmax`` is applied or of which the largest wins (``argmax``);
or the ``index`` of the class itself."""


@dataclass(frozen=True)
class SegmenterMasks(MaskSource, ImageModel):
    """Every frame through a segmenter, by itself, on the CPU.

    A frame is resized to the input of the model, whatever its aspect ratio. The scores are resized
    to the frame bilinearly (class indices: nearest neighbour) before they are compared. The
    defaults are those of MediaPipe's selfie segmentation; models trained on ImageNet want
    ``mean=(0.485, 0.456, 0.406)`` and ``std=(0.229, 0.224, 0.225)``. All persons of a frame count;
    to keep those of boxes alone, see :class:`.WithinBoxes`.

    Attributes:
        layout: ``'nchw'`` or ``'nhwc'``, of the input; None takes what the model says, else NCHW.
        output: One of ``OUTPUTS``.
        person: Output channel (or class index) of the person; None where there is one channel.
        threshold: Probability from which a pixel is foreground, in (0, 1); not for ``argmax`` and
            ``index``.
    """

    layout: str | None = None
    output: str = 'probability'
    person: int | None = None
    threshold: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self,
            layout=(self.layout in (None, 'nchw', 'nhwc'), 'nchw or nhwc'),
            output=(self.output in OUTPUTS, ', '.join(OUTPUTS)),
            person=(self.person is None or self.person >= 0, 'a channel, counted from 0'),
            threshold=(0 < self.threshold < 1, 'a probability between 0 and 1'),
        )

    @property
    def name(self) -> str:
        return f'segmenter({self.model.stem})'

    def files(self, video: SourceVideo) -> list[Path]:
        return [self.model]

    def settings(self) -> dict[str, Any]:
        return dict(super().settings(), sha256=model_sha256(self.model))

    def check(self) -> None:
        self._input()

    def _make(self, video: SourceVideo) -> MaskResult:
        size, channels_first = self._input()
        masks = np.empty(video.frames.shape[:3], dtype=bool)
        for index, frame in enumerate(video.frames):
            small = cv2.resize(frame, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
            masks[index] = self._mask(self.run(small, channels_first), size, frame.shape[:2])
        return MaskResult(masks)

    def _input(self) -> tuple[tuple[int, int], bool]:
        """Height and width of the input, and whether channels come first."""
        shape, first = load_network(self.model).input_shape, self.layout != 'nhwc'
        if len(shape) == 4 and self.layout is None:
            first = shape[1] == 3 or shape[3] != 3
        return self.input_size(first), first

    def _mask(
        self, output: np.ndarray, size: tuple[int, int], shape: tuple[int, int]
    ) -> np.ndarray:
        scores = score_map(output, size, self.model)
        person = self._channel(scores.shape[2])
        if self.output == 'index':
            is_person = (np.rint(scores[..., 0]) == person).astype(np.uint8)
            return _resized(is_person, shape, cv2.INTER_NEAREST) > 0
        if self.output == 'argmax':
            return _resized(scores, shape).argmax(axis=2) == person
        return _resized(self._probability(scores, person), shape) >= self.threshold

    def _channel(self, channels: int) -> int:
        index, person = self.output == 'index', self.person
        given = '' if person is None else f', person={person} is none of them'
        last = channels - 1
        for wrong, reason in (
            (
                index and channels != 1,
                f'{channels} channels; a map of class indices has one: take output=argmax',
            ),
            (
                index and person is None,
                'class indices; say which one is the person, e.g. person=15',
            ),
            (
                self.output in ('softmax', 'argmax') and channels == 1,
                f'one channel; output={self.output} needs one per class: take probability, logit '
                'or index',
            ),
            (
                not index and (person is None and channels > 1 or (person or 0) > last),
                f'{channels} channels{given}; say which one is the person: person=0 to {last}',
            ),
        ):
            if wrong:
                raise DatasetError(f'{self.model}: gives {reason}')
        return person or 0

    def _probability(self, scores: np.ndarray, person: int) -> np.ndarray:
        if self.output == 'softmax':
            powers = np.exp(scores - scores.max(axis=2, keepdims=True))
            return powers[..., person] / powers.sum(axis=2)
        wanted = scores[..., person]
        if self.output == 'logit':
            return 1 / (1 + np.exp(-np.clip(wanted, -80, 80)))
        low, high = float(wanted.min()), float(wanted.max())
        if low < -0.01 or high > 1.01:
            raise DatasetError(
                f'{self.model}: gives values from {low:.3g} to {high:.3g}, which '
                'are no probabilities; take output=logit, or argmax, softmax or '
                'index'
            )
        return wanted


def _resized(
    values: np.ndarray, shape: tuple[int, int], interpolation: int = cv2.INTER_LINEAR
) -> np.ndarray:
    values = np.ascontiguousarray(values)
    return cv2.resize(values, (shape[1], shape[0]), interpolation=interpolation)
