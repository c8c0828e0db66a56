"""Person detectors as one writes them on the command line: ``onnx:yolo.onnx,person=0``."""

from __future__ import annotations

from ...bias_sets.masks.motion import MotionMasks
from ...bias_sets.masks.parse import parse_masks
from ...utils.errors import DatasetError
from ...utils.spec import make
from .detectors import EveryNth, FileBoxes, HogDetector, MaskBoxes, PersonDetector
from .onnx import OnnxDetector

DETECTORS_HELP = """\
detectors (SPEC):
  hog                OpenCV's built-in people detector (default): no file, no download; finds upright,
                     whole, rather large people and few others; enlarge, margin, stride
                       hog,enlarge=1.5
  onnx:MODEL         an object detector; size=HEIGHTxWIDTH, output=auto|classes|objectness|suppressed,
                     person, threshold, nms, resize=pad|stretch, scale, mean=R/G/B, std=R/G/B,
                     channels=rgb|bgr, normalized, layer
                       onnx:yolov8n.onnx          onnx:mine.onnx,output=classes,person=3
  segmenter:MODEL    boxes around what a person segmenter finds (.onnx, .tflite), with the options of
                     dnn:MODEL of tools/build_bias_benchmark.py
                       segmenter:selfie_segmentation.tflite
  masks:SPEC         boxes around any masks of tools/build_bias_benchmark.py
                       masks:jhmdb:data/jhmdb/masks
  motion             what moves before a camera that stands still: no detector of people, the last
                     resort where there is none
  file:PATH          boxes that somebody else made: detections of ActorCutMix or StillMix (.npy, .pkl),
                     UCF101-24 (.pkl), JSON lines, text
                       file:UCF101_detections.npy
"""  # noqa: E501


def _segmenter(model: str) -> MaskBoxes:
    masks = parse_masks(f'dnn:{model}')
    return MaskBoxes(masks, label=masks.name)


def _masks(spec: str) -> MaskBoxes:
    return MaskBoxes(parse_masks(spec))


def _motion(
    threshold: float | None = MotionMasks.threshold,
    kernel: int = MotionMasks.kernel,
    min_area: float = MotionMasks.min_area,
) -> MaskBoxes:
    return MaskBoxes(MotionMasks(threshold, kernel, min_area), label='motion')


FORMS = {
    'hog[,key=value]': HogDetector,
    'onnx:MODEL[,key=value]': OnnxDetector,
    'segmenter:MODEL[,key=value]': _segmenter,
    'masks:SPEC': _masks,
    'motion[,key=value]': _motion,
    'file:PATH': FileBoxes,
}
"""How a form is written -> the detector; see :mod:`albar_mm.utils.spec`."""


def parse_detector(text: str, every: int = 1) -> PersonDetector:
    """Make a detector of its description; see :data:`DETECTORS_HELP`.

    Args:
        text: E.g. ``'hog'``.
        every: Look at every n-th frame only.

    Returns:
        The detector, after a first check of its files.

    Raises:
        DatasetError: There is no such detector or option, or a file is missing or broken.
    """
    if every < 1:
        raise DatasetError(f'every={every}: expected a number of frames from 1')
    made = make(text, FORMS, 'detector')
    looks_at_frames = isinstance(made, HogDetector | OnnxDetector) or (
        isinstance(made, MaskBoxes) and made.label
    )
    if every > 1 and not looks_at_frames:
        raise DatasetError(f'detector {text!r}: has an entry for every frame; leave out --every')
    made.check()
    return EveryNth(made, every) if every > 1 else made
