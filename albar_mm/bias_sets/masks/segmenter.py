"""A person segmenter of the user's own: any ONNX or TFLite model that OpenCV can run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...utils.errors import DatasetError
from ...utils.spec import require
from ...video.source_video import SourceVideo
from .network import ImageModel, load_network, model_sha256, score_map
from .source import MaskResult, MaskSource

OUTPUTS = ('probability', 'logit', 'softmax', 'argmax', 'index')
"""What a model gives: ``probability`` of the person; its ``logit`` (a sigmoid is applied);
scores of classes, to which a ``softmax`` is applied or of which the largest wins (``argmax``);
or the ``index`` of the class itself."""


@dataclass(frozen=True)
class SegmenterMasks(MaskSource, ImageModel):
    """Every frame through a segmenter, by itself, on the CPU.

    A frame is resized to the input of the model, whatever its aspect ratio. The scores are resized
    to the frame bilinearly (class indices: nearest neighbour) before they are compared. The defaults are those of MediaPipe's selfie
    segmentation; models trained on ImageNet want ``mean=(0.485, 0.456, 0.406)`` and
    ``std=(0.229, 0.224, 0.225)``. All persons of a frame count; to keep those of boxes alone, see
    :class:`.WithinBoxes`.

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
    def name(self) -> str:  # type: ignore[override]
        """``segmenter(<name of the model without its ending>)``."""
        return f'segmenter({self.model.stem})'

    def files(self, video: SourceVideo) -> list[Path]:
        """The model."""
        return [self.model]

    def settings(self) -> dict[str, Any]:
        """All settings as plain JSON, with the SHA-256 of the model."""
        return dict(super().settings(), sha256=model_sha256(self.model))

    def check(self) -> None:
        """Load the model and find the size of its input, before long work.

        Raises:
            DatasetError: It cannot be loaded, or its input is no image of a known size.
        """
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
        """Channel (or class index) of the person."""
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
