"""Person detectors as one writes them on the command line: ``onnx:yolo.onnx,person=0``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...bias_sets.masks.parse import parse_masks
from ...utils.errors import DatasetError
from ...utils.spec import flag, size, triple
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


def _number(text: str) -> float:
    """a number"""
    value = float(text)
    if value != value or abs(value) == float('inf'):
        raise ValueError
    return value


def _whole(text: str) -> int:
    """a whole number"""
    return int(text)


def _word(text: str) -> str:
    """a word"""
    if not text:
        raise ValueError
    return text


OPTIONS: dict[str, dict[str, Callable[[str], Any]]] = {
    'hog': dict(enlarge=_number, margin=_number, stride=_whole),
    'onnx': dict(
        size=size,
        output=_word,
        person=_whole,
        threshold=_number,
        nms=_number,
        resize=_word,
        scale=_number,
        mean=triple,
        std=triple,
        channels=_word,
        normalized=flag,
        layer=_word,
    ),
}
FORMS = ('hog', 'onnx:MODEL', 'segmenter:MODEL', 'masks:SPEC', 'motion', 'file:PATH')


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
    try:
        made = _made(text.strip())
    except DatasetError as error:
        raise DatasetError(f'detector {text!r}: {error}') from error
    looks_at_frames = isinstance(made, (HogDetector, OnnxDetector)) or (
        isinstance(made, MaskBoxes) and made.label
    )
    if every > 1 and not looks_at_frames:
        raise DatasetError(f'detector {text!r}: has an entry for every frame; leave out --every')
    made.check()
    return EveryNth(made, every) if every > 1 else made


def _made(text: str) -> PersonDetector:
    form = re.match(r'\w*', text)[0]  # type: ignore[index]
    rest = text[len(form) :]
    if form == 'hog' and (not rest or rest.startswith(',')):
        left, options = _options('hog', rest)
        _no_more('hog', left)
        return HogDetector(**options)
    if form == 'motion' and (not rest or rest.startswith(',')):
        return MaskBoxes(parse_masks(text), label='motion')
    if form in ('onnx', 'segmenter', 'masks', 'file') and rest.startswith(':') and rest[1:].strip():
        rest = rest[1:].strip()
        if form == 'segmenter':
            masks = parse_masks(f'dnn:{rest}')
            return MaskBoxes(masks, label=masks.name)
        if form == 'masks':
            return MaskBoxes(parse_masks(rest))
        if form == 'file':
            return FileBoxes(Path(rest).expanduser())
        path, options = _options('onnx', rest)
        if ',' in path and not Path(path).exists():
            _no_more('onnx', path.partition(',')[2])
        return OnnxDetector(Path(path.strip()).expanduser(), **options)
    near = difflib.get_close_matches(form.lower(), [f.partition(':')[0] for f in FORMS], 1, 0.5)
    guess = f'do you mean {near[0]}? ' if near and near[0] != form else ''
    raise DatasetError(f'no such detector; {guess}There are: {", ".join(FORMS)}')


def _options(form: str, text: str) -> tuple[str, dict[str, Any]]:
    """Split ``rest,key=value,...``; keys that the form does not know stay in the rest."""
    readers = OPTIONS[form]
    first, *pieces = re.split(rf',\s*(?=(?:{"|".join(readers)})=)', text)
    options: dict[str, Any] = {}
    for piece in pieces:
        key, _, value = piece.partition('=')
        if key in options:
            raise DatasetError(f'{key}= is given twice')
        value, unknown, rest = value.partition(',')
        if unknown:
            _no_more(form, rest)
        try:
            options[key] = readers[key](value.strip())
        except (ValueError, KeyError, OverflowError) as error:
            raise DatasetError(f'{key}={value}: expected {readers[key].__doc__}') from error
    return first, options


def _no_more(form: str, text: str) -> None:
    key = text.strip(', ').partition('=')[0].strip()
    if key:
        raise DatasetError(f'{form} has no option {key!r}; options: {", ".join(OPTIONS[form])}')
