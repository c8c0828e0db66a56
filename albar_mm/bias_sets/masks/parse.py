"""Mask sources as one writes them on the command line: ``within(dnn:net.onnx,boxes:b.pkl)``."""

from __future__ import annotations

from ...utils.errors import DatasetError
from ...utils.spec import make
from .boxes import BoxMasks
from .folders import NpzMasks, PngMasks, RleMasks
from .jhmdb import JhmdbMasks
from .motion import MotionMasks
from .refine import GrabCutMasks, WithinBoxes
from .sam2 import Sam2Masks
from .segmenter import SegmenterMasks
from .source import MaskSource
from .union import UnionMasks

FORMS = {
    'jhmdb:FOLDER': JhmdbMasks,
    'png:FOLDER': PngMasks,
    'npz:FOLDER': NpzMasks,
    'rle:FOLDER_OR_FILE': RleMasks,
    'boxes:FILE': BoxMasks,
    'grabcut:FILE[,key=value]': GrabCutMasks,
    'dnn:MODEL[,key=value]': SegmenterMasks,
    'sam2:CHECKPOINT,boxes=FILE[,key=value]': Sam2Masks,
    'motion[,key=value]': MotionMasks,
    'within(MASKS,boxes:FILE[,padding=0.05])': WithinBoxes,
    'union(MASKS,MASKS[,radius=1])': UnionMasks,
}
"""How a form is written -> the source; see :mod:`albar_mm.utils.spec`."""
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
    """Make a mask source of its description, e.g. ``'jhmdb:data/masks'``; see :data:`MASKS_HELP`.

    Folders, files and models that it names are there.

    Raises:
        DatasetError: There is no such form or option, or a file is missing.
    """
    source = make(text, FORMS, 'mask source')
    try:
        source.check()
    except DatasetError as error:
        raise DatasetError(f'mask source {text!r}: {error}') from error
    return source
