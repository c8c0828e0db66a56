"""Running a network of the user's with OpenCV: its file, its input, and the scores it gives."""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from ...utils.errors import DatasetError, reason_of
from ...utils.identity import file_sha256
from ...utils.spec import require

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
    # A process whose OpenCV has begun threads cannot be forked safely, and this one may be about
    # to start the workers that run the network.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
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
    finally:
        cv2.setNumThreads(threads)


def score_map(output: np.ndarray, size: tuple[int, int], path: Path) -> np.ndarray:
    """Find the map of scores in an output, channels first or last: float32 (H, W, C).

    (1, C, H, W), (1, H, W, C) or (1, H, W); it may be smaller than the input, of height and width
    ``size``, but of its aspect ratio, by which the two layouts are told apart.

    Raises:
        DatasetError: It is no such map, or holds values that are not finite.
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
    found = np.ascontiguousarray(found, dtype=np.float32)
    if not np.isfinite(found).all():
        raise DatasetError(f'{path}: gives values that are not finite; check scale, mean and std')
    return found


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


def require_input(made: object) -> None:
    """Check the options that say how a picture becomes the input of a network.

    Args:
        made: Has ``size``, ``scale``, ``mean``, ``std`` and ``channels``.

    Raises:
        DatasetError: One is not sound.
    """
    size, mean, std = made.size, made.mean, made.std
    require(
        made,
        size=(size is None or len(size) == 2 and min(size) > 0, 'height and width in px'),
        scale=(0 < made.scale < math.inf, 'a number > 0'),
        mean=(len(mean) == 3 and all(map(math.isfinite, mean)), 'three finite numbers'),
        std=(len(std) == 3 and all(0 < value < math.inf for value in std), 'three numbers > 0'),
        channels=(made.channels in ('rgb', 'bgr'), 'rgb or bgr'),
    )


def image_size(
    model: Path,
    given: tuple[int, int] | None,
    shape: tuple[int | None, ...],
    channels_first: bool = True,
) -> tuple[int, int]:
    """Height and width of the image that a model takes: what the user says, or its own.

    ``shape`` is the ``input_shape`` of the network, empty where it is not known: (1, 3, H, W), or
    (1, H, W, 3) where channels are not first.

    Raises:
        DatasetError: It takes no such image, or neither tells the size.
    """
    if shape and (len(shape) != 4 or shape[1 if channels_first else 3] not in (3, None)):
        wanted = '(1, 3, height, width)' if channels_first else '(1, height, width, 3)'
        raise DatasetError(
            f'{model}: takes an input of shape {shape}; expected an image of 3 colours, {wanted}'
        )
    told = shape[2:] if channels_first else shape[1:3]
    size = given or told or (None, None)
    if None in size:
        raise DatasetError(
            f'{model}: the model does not fix the size of its input (or OpenCV {cv2.__version__} '
            'cannot tell it); add size=HEIGHTxWIDTH'
        )
    return int(size[0]), int(size[1])


def image_blob(
    image: np.ndarray,
    scale: float,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    channels: str,
) -> np.ndarray:
    """Input of a network, float32 (1, 3, H, W), for an image of its size, uint8 RGB (H, W, 3).

    ``(pixel * scale - mean) / std`` of pixels from 0 to 255; ``mean`` and ``std`` are in the order
    of ``channels``, ``'rgb'`` or ``'bgr'``.
    """
    if channels == 'bgr':
        image = image[..., ::-1]
    values = image.astype(np.float32) * np.float32(scale)
    values = (values - np.float32(mean)) / np.float32(std)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])
