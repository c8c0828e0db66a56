"""Mask sources as one writes them on the command line: ``within(dnn:net.onnx,boxes:b.pkl)``."""

from ...utils.errors import DatasetError
from ...utils.spec import make
from .boxes import BoxMasks
from .folders import JhmdbMasks, NpzMasks, PngMasks, RleMasks
from .network import SegmenterMasks
from .refine import GrabCutMasks, MotionMasks, WithinBoxes
from .sam2 import Sam2Masks
from .source import MaskSource, UnionMasks

FORMS = {
    'jhmdb:FOLDER': JhmdbMasks,
    'png:FOLDER': PngMasks,
    'npz:FOLDER': NpzMasks,
    'rle:FOLDER_OR_FILE': RleMasks,
    'boxes:FILE[,actors=all|first]': BoxMasks,
    'grabcut:FILE[,key=value]': GrabCutMasks,
    'dnn:MODEL[,key=value]': SegmenterMasks,
    'sam2:CHECKPOINT,boxes=FILE[,key=value]': Sam2Masks,
    'motion[,key=value]': MotionMasks,
    'within(MASKS,boxes:FILE[,padding=0.05])': WithinBoxes,
    'union(MASKS,MASKS[,radius=1])': UnionMasks,
}


def parse_masks(text: str) -> MaskSource:
    """Make a mask source of its description, e.g. ``'jhmdb:data/masks'``.

    The forms are in :data:`FORMS` (see :mod:`albar_mm.utils.spec`), their options are the
    attributes of the classes there.

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
