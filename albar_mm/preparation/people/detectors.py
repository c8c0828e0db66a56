"""Person detectors that need no network: OpenCV's own, masks made into boxes, and other files."""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from ...annotations.person_boxes import read_person_boxes
from ...bias_sets.masks.motion import keep_pieces
from ...bias_sets.masks.source import MaskSource
from ...utils.errors import DatasetError
from ...utils.identity import file_identity
from ...utils.spec import require
from ...video.source_video import SourceVideo


class PersonDetector(Protocol):
    """Finds the people in a video. Detectors are frozen dataclasses: cheap to make and picklable.

    Attributes:
        name: Goes to the report.
    """

    name: str

    def check(self) -> None:
        """Raise a ``DatasetError`` if it cannot work here, before long work."""

    def settings(self) -> dict[str, Any]:
        """All that decides its boxes, as plain JSON."""

    def detect(self, video: SourceVideo) -> list[np.ndarray]:
        """Boxes of every frame.

        Returns:
            T arrays float (n, 5) of x1, y1, x2, y2, score in px of the frames.
        """


class FrameDetector:
    """Looks at frames one by one, on its own."""

    def detect(self, video: SourceVideo) -> list[np.ndarray]:
        """See :meth:`PersonDetector.detect`."""
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
        """Raise a ``DatasetError`` if this build of OpenCV does not have it."""
        _hog()

    def settings(self) -> dict[str, Any]:
        """Name, options and version of OpenCV."""
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
    def name(self) -> str:  # type: ignore[override]
        """Name of the detector."""
        return self.label or self.masks.name

    def check(self) -> None:
        """Load what the masks need, or raise a ``DatasetError``."""
        self.masks.check()

    def settings(self) -> dict[str, Any]:
        """Those of the masks, and the smallest area."""
        return dict(
            name=self.name,
            min_area=self.min_area,
            masks=self.masks.settings(),
            opencv=cv2.__version__,
        )

    def detect(self, video: SourceVideo) -> list[np.ndarray]:
        """See :meth:`PersonDetector.detect`."""
        masks = self.masks.masks(video)
        return [mask_boxes(mask, self.min_area * mask.size) for mask in masks]


@dataclass(frozen=True)
class FileBoxes:
    """Boxes that somebody else detected or annotated, to be written in our format.

    Attributes:
        path: See :func:`albar_mm.annotations.person_boxes.read_person_boxes`.
    """

    path: Path
    name = 'file'

    def check(self) -> None:
        """Read the file, or raise a ``DatasetError``."""
        read_person_boxes(self.path)

    def settings(self) -> dict[str, Any]:
        """Identity of the file."""
        return dict(name=self.name, **file_identity(self.path))

    def detect(self, video: SourceVideo) -> list[np.ndarray]:
        """See :meth:`PersonDetector.detect`.

        Raises:
            DatasetError: The file does not have the video.
        """
        known = read_person_boxes(self.path)
        boxes = known.of(str(video.path))
        if boxes is None:
            raise known.missing(str(video.path))
        return boxes.rows(range(len(video.frames)))


@dataclass(frozen=True)
class EveryNth:
    """Runs a detector on every n-th frame; the others take the boxes of the nearest of those.

    Attributes:
        detector: The detector; it looks at frames, not at the video file.
        every: n.
    """

    detector: PersonDetector
    every: int

    @property
    def name(self) -> str:  # type: ignore[override]
        """That of the detector."""
        return self.detector.name

    def check(self) -> None:
        """See :meth:`PersonDetector.check`."""
        self.detector.check()

    def settings(self) -> dict[str, Any]:
        """Those of the detector, and n."""
        return dict(self.detector.settings(), every=self.every)

    def detect(self, video: SourceVideo) -> list[np.ndarray]:
        """See :meth:`PersonDetector.detect`."""
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
