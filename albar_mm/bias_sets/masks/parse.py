"""Mask sources as one writes them on the command line: ``within(dnn:net.onnx,boxes:b.pkl)``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...utils.errors import DatasetError
from ...utils.spec import OPTIONS, convert
from .boxes import BoxMasks
from .folders import NpzMasks, PngMasks, RleMasks
from .jhmdb import JhmdbMasks
from .motion import MotionMasks
from .refine import GrabCutMasks, WithinBoxes
from .sam2 import Sam2Masks
from .segmenter import SegmenterMasks
from .source import MaskSource
from .union import UnionMasks

USAGE = {
    'jhmdb': 'jhmdb:FOLDER',
    'png': 'png:FOLDER',
    'npz': 'npz:FOLDER',
    'rle': 'rle:FOLDER_OR_FILE',
    'boxes': 'boxes:FILE',
    'grabcut': 'grabcut:FILE[,key=value]',
    'dnn': 'dnn:MODEL[,key=value]',
    'sam2': 'sam2:CHECKPOINT,boxes=FILE[,key=value]',
    'motion': 'motion[,key=value]',
    'within': 'within(MASKS,boxes:FILE[,padding=0.05])',
    'union': 'union(MASKS,MASKS[,radius=1])',
}
"""Name of a form -> how it is written."""
_FUNCTIONS = ('within', 'union')
_LEAVES = tuple(name for name in USAGE if name not in (*_FUNCTIONS, 'motion'))
_KEYS = {key for options in OPTIONS.values() for key in options}
_START = re.compile(
    rf'\s*(?:(?:{"|".join(_LEAVES)}):|(?:{"|".join(_FUNCTIONS)})\(|motion\s*(?:,|$)'
    rf'|(?:{"|".join(_KEYS)})=)'
)

MASKS_HELP = """\
where the masks come from, one of:
  jhmdb:FOLDER       JHMDB's puppet masks, [class/]<video>.mat or .../puppet_mask.mat
                       jhmdb:data/jhmdb/masks
  png:FOLDER         [class/]<video>/*.png, one per frame, not zero = foreground
                       png:data/masks
  npz:FOLDER         [class/]<video>.npz with 'masks' (T, H, W)
                       npz:data/masks
  rle:PATH           COCO run lengths: [class/]<video>.json in a folder, or one JSON file
                       rle:data/masks.json
  boxes:FILE         filled person boxes: UCF101-24 pickle, or lines 'video frame x1 y1 x2 y2'
                       boxes:data/pyannot.pkl
  grabcut:FILE       those boxes refined to silhouettes by colour and edges, without a model;
                     padding, iterations, propagate, seed
                       grabcut:data/pyannot.pkl,padding=0.1
  dnn:MODEL          a person segmenter, .onnx or .tflite, through OpenCV; size=HEIGHTxWIDTH,
                     scale, mean=R/G/B, std=R/G/B, channels=rgb|bgr, layout=nchw|nhwc,
                     output=probability|logit|softmax|argmax|index, person, threshold, layer
                       dnn:selfie_segmentation.tflite
                       dnn:deeplab.onnx,size=520x520,mean=0.485/0.456/0.406,
                           std=0.229/0.224/0.225,output=argmax,person=15    (one line)
  sam2:CHECKPOINT    SAM 2 prompted with boxes (package sam2); boxes, config,
                     prompt=first|largest, every, device
                       sam2:sam2.1_hiera_large.pt,boxes=data/pyannot.pkl
  motion             what moves before a camera that stands still; threshold, kernel, min_area
                       motion
  within(MASKS,boxes:FILE)   the masks within person boxes; a box without any stays whole; padding
                       within(dnn:selfie_segmentation.tflite,boxes:data/pyannot.pkl)
  union(MASKS,MASKS)   persons and saliency, each over the neighbour frames (Kinetics); radius
                       union(png:persons,png:saliency)
Between parentheses, a path that holds parentheses, or a comma followed by a form or an option, is
put into double quotes: within(png:"a (b",boxes:b.txt)."""


def parse_masks(text: str) -> MaskSource:
    """Make a mask source of its description; see :data:`MASKS_HELP`.

    Args:
        text: E.g. ``'jhmdb:data/masks'``.

    Returns:
        The source; folders, files and models that it names are there.

    Raises:
        DatasetError: There is no such form or option, or a file is missing.
    """
    try:
        return _source(text.strip())
    except DatasetError as error:
        raise DatasetError(f'masks {text!r}: {error}') from error


def _source(text: str) -> MaskSource:
    word = _word(text)
    rest = text[len(word) :]
    if word in _FUNCTIONS and rest.startswith('('):
        if not rest.endswith(')'):
            raise DatasetError(f'no closing parenthesis; expected {USAGE[word]}')
        return _function(word, rest[1:-1])
    if word in _LEAVES and rest.startswith(':'):
        return _leaf(word, rest[1:])
    if word == 'motion' and (not rest or rest.startswith(',')):
        left, options = _split_options(rest, 'motion')
        _no_more(left.strip(', '), 'motion')
        return MotionMasks(**options)
    if word in USAGE:
        raise DatasetError(f'expected {USAGE[word]}')
    near = difflib.get_close_matches(word.lower(), USAGE, 1, 0.5)
    guess = f'do you mean {USAGE[near[0]]}? ' if near else ''
    raise DatasetError(f'no such mask source; {guess}There are: {", ".join(USAGE.values())}')


def _leaf(name: str, text: str) -> MaskSource:
    path, options = _split_options(text, name)
    if name in ('jhmdb', 'png', 'npz'):
        make: dict[str, Callable[..., MaskSource]] = dict(
            jhmdb=JhmdbMasks, png=PngMasks, npz=NpzMasks
        )
        return make[name](_existing(path, name, Path.is_dir, 'folder'))
    if name == 'rle':
        return RleMasks(_existing(path, name, Path.exists, 'folder or file'))
    file = _existing(path, name, Path.is_file, 'file')
    if name == 'boxes':
        return BoxMasks(file)
    if name == 'grabcut':
        return GrabCutMasks(BoxMasks(file), **options)
    if name == 'dnn':
        segmenter = SegmenterMasks(file, **options)
        segmenter.check()
        return segmenter
    if 'boxes' not in options:
        raise DatasetError(f'the prompts are missing; expected {USAGE[name]}')
    boxes = BoxMasks(_existing(options.pop('boxes'), name, Path.is_file, 'file'))
    sam2 = Sam2Masks(file, boxes, **options)
    sam2.check()
    return sam2


def _function(name: str, text: str) -> MaskSource:
    sources, own = [], ''
    for part in _split_arguments(text):
        key = part.partition('=')[0].strip()
        if key not in _KEYS or '=' not in part:
            sources.append(part)
        elif (
            sources
            and key in OPTIONS.get(_word(sources[-1]), ())
            and (_word(sources[-1]) not in _FUNCTIONS)
        ):
            sources[-1] += f',{part}'  # an option of the source before it
        else:
            own += f',{part}'
    left, options = _split_options(own, name)
    _no_more(left.strip(', '), name)
    if len(sources) != 2:
        raise DatasetError(
            f'{name} takes two sources, got {len(sources)}; expected {USAGE[name]}; put paths with '
            'parentheses or commas into double quotes'
        )
    made = [_source(source.strip()) for source in sources]
    return (WithinBoxes if name == 'within' else UnionMasks)(*made, **options)  # type: ignore[arg-type]


def _word(text: str) -> str:
    return re.match(r'\s*(\w*)', text)[1]  # type: ignore[index]


def _split_arguments(text: str) -> list[str]:
    """Split at the commas outside of parentheses and quotes that an argument follows."""
    parts, start, depth, quoted = [], 0, 0, False
    for index, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif not quoted:
            depth += (character == '(') - (character == ')')
            if character == ',' and depth == 0 and _START.match(text, index + 1):
                parts.append(text[start:index])
                start = index + 1
    return [*parts, text[start:]]


def _split_options(text: str, name: str) -> tuple[str, dict[str, Any]]:
    """Split ``rest,key=value,...`` of a form; keys that it does not know stay in the rest."""
    keys = OPTIONS.get(name, {})
    if not keys:
        return text, {}
    first, *pieces = re.split(rf',\s*(?=(?:{"|".join(keys)})=)', text)
    options: dict[str, Any] = {}
    for piece in pieces:
        key, _, value = piece.partition('=')
        if key in options:
            raise DatasetError(f'{key}= is given twice')
        options[key] = convert(name, key, value.strip())
    return first, options


def _existing(text: str, name: str, test: Callable[[Path], bool], kind: str) -> Path:
    quoted = re.fullmatch(r'\s*"(.*)"\s*', text)
    path = Path(quoted[1] if quoted else text.strip()).expanduser()
    if not text.strip():
        raise DatasetError(f'expected {USAGE[name]}')
    if not test(path):
        before = re.match(r'(.*?),\s*(\w+)=', text)
        if before and test(Path(before[1]).expanduser()):
            _no_more(text[before.end(1) :].strip(', '), name)
        raise DatasetError(f'{path}: no such {kind}; expected {USAGE[name]}')
    return path


def _no_more(text: str, name: str) -> None:
    if text:
        key = text.partition('=')[0].strip()
        known = ', '.join(OPTIONS.get(name, ())) or 'none'
        near = difflib.get_close_matches(key, OPTIONS.get(name, ()), 1, 0.6)
        guess = f'do you mean {near[0]}=? ' if near else ''
        raise DatasetError(f'{name} has no option {key!r}; {guess}Options: {known}')
