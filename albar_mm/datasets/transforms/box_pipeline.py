"""Putting person boxes into a pipeline, and checking that its steps carry them."""

import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmaction.registry import TRANSFORMS

from ...utils.config_types import class_of, is_type, type_name
from .person_boxes import MIN_SCORE
from .video_fields import has_step, only, pack_field, step_names

LOAD, PACK, FIELD = 'LoadPersonBoxes', 'PackPersonBoxes', 'person_boxes'
DECODERS = ('DecordDecode', 'OpenCVDecode', 'PyAVDecode', 'PIMSDecode', 'RawFrameDecode')
"""Steps that turn ``frame_inds`` into images, of a video or a folder of frames."""
CARRIERS = (
    'Resize',
    'RandomRescale',
    'RandomCrop',
    'RandomResizedCrop',
    'MultiScaleCrop',
    'CenterCrop',
    'Flip',
)
"""MMAction2's steps that move pixels, boxes and key points alike."""
PIXELS_STAY = ('ColorJitter', 'RandomErasing')
"""Steps that leave every pixel in its place."""
TORCHVISION_COLOURS = (
    'ColorJitter',
    'GaussianBlur',
    'Grayscale',
    'RandomAdjustSharpness',
    'RandomAutocontrast',
    'RandomEqualize',
    'RandomGrayscale',
    'RandomInvert',
    'RandomPosterize',
    'RandomSolarize',
)
"""Operations of ``TorchVisionWrapper`` that leave every pixel in its place."""
_FORMATS = ('NCTHW', 'NCHW')
_REASONS = {
    'ThreeCrop': 'makes three images of one',
    'TenCrop': 'makes ten images of one',
    'PytorchVideoWrapper': 'does not carry boxes',
    'ImgAug': 'may move pixels in any way',
    'Fuse': 'belongs to lazy steps, which do not carry boxes',
    'BuildPseudoClip': 'repeats frames',
}


def check_box_pipeline(pipeline: Sequence[Mapping[str, Any]]) -> None:
    """Check that every step that sees the images carries person boxes or moves no pixel.

    A step of the user's own is taken if its class has ``carries_person_boxes = True``: it then
    moves no pixel, or moves ``gt_bboxes`` and ``keypoint`` as MMAction2's steps do.

    Args:
        pipeline: Steps as config dicts; with ``LoadPersonBoxes`` and ``PackPersonBoxes`` those
            between them are checked, else those between the decoding step and ``FormatShape``.

    Raises:
        ValueError: A step does neither, or a decoding step gives other frames than asked for;
            names the step and says what to do.
    """
    names = step_names(pipeline)
    decode = only(names, DECODERS, 'decoding step')
    shape = only(names, ('FormatShape',))
    if pipeline[decode].get('mode') == 'efficient':
        raise ValueError(
            f'{names[decode]}(mode="efficient") gives other frames than it is asked '
            "for, so their person boxes are not known; take mode='accurate'"
        )
    if shape < decode:
        raise ValueError(f'FormatShape stands before {names[decode]}')
    if LOAD in names or PACK in names:
        load, pack = only(names, (LOAD,)), only(names, (PACK,))
        if load != decode + 1:
            raise ValueError(f'{LOAD} must stand right after {names[decode]}')
        if pack != shape - 1:
            raise ValueError(f'{PACK} must stand right before FormatShape')
    for step in pipeline[decode + 1 : shape]:
        for inner in _flat(step):
            _check_step(inner)


def with_person_boxes(
    pipeline: Sequence[Mapping[str, Any]],
    file: str | os.PathLike,
    min_score: float = MIN_SCORE,
    missing: str = 'fail',
) -> list[dict[str, Any]]:
    """Put the steps that load and pack person boxes into a training pipeline of RGB clips.

    Args:
        pipeline: Steps as config dicts, of videos (``DecordDecode``, ``OpenCVDecode``,
            ``PyAVDecode``, ``PIMSDecode``) or raw frames (``RawFrameDecode``); it is not changed.
            The same settings twice change nothing.
        file: See :class:`LoadPersonBoxes`, likewise the others.
        min_score: Score from which a box counts.
        missing: ``'fail'`` or ``'none'``.

    Returns:
        A new pipeline with ``LoadPersonBoxes`` after the decoding step, ``PackPersonBoxes`` before
        ``FormatShape`` and ``person_boxes`` among the ``algorithm_keys`` of ``PackActionInputs``.

    Raises:
        ValueError: A step cannot carry boxes, or the pipeline is not of that kind; says which.

    Example:
        >>> cfg.train_dataloader.dataset.pipeline = with_person_boxes(
        ...     cfg.train_dataloader.dataset.pipeline, 'data/hmdb51/people.jsonl')
    """
    steps = [copy.deepcopy(step) for step in pipeline]
    check_box_pipeline(steps)
    load = dict(type=LOAD, file=os.fspath(file), min_score=min_score, missing=missing)
    if not has_step(steps, load, min_score=MIN_SCORE, missing='fail'):
        names = step_names(steps)
        shape = names.index('FormatShape')
        if steps[shape].get('input_format') not in _FORMATS:
            raise ValueError(
                f'FormatShape(input_format={steps[shape].get("input_format")!r}): person boxes '
                f'need clips of RGB frames, {" or ".join(_FORMATS)}'
            )
        steps.insert(shape, dict(type=PACK))
        steps.insert(only(names, DECODERS, 'decoding step') + 1, load)
    pack_field(steps, FIELD)
    return steps


def _check_step(step: Mapping[str, Any]) -> None:
    name, known = type_name(step), (*CARRIERS, *PIXELS_STAY)
    if name in CARRIERS and step.get('lazy'):
        raise ValueError(
            f'{name}(lazy=True) does not carry person boxes; take lazy=False and no Fuse'
        )
    if name == 'Flip' and step.get('direction', 'horizontal') != 'horizontal':
        raise ValueError(
            'Flip(direction="vertical") does not carry person boxes; take a horizontal one'
        )
    colours = name == 'TorchVisionWrapper' and step.get('op') in TORCHVISION_COLOURS
    if name in known or colours:
        return
    if not getattr(class_of(step, TRANSFORMS), 'carries_person_boxes', False):
        option = f'(op={step["op"]!r})' if 'op' in step else ''
        reason = _REASONS.get(name, 'is not known to carry person boxes')
        raise ValueError(
            f'{name}{option} {reason}; take it out of the pipeline, or use a method '
            f'without person boxes. Steps that carry them: {", ".join(known)}'
        )


def _flat(step: Mapping[str, Any] | Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    """A step, or the steps that ``RandomApply`` and ``RandomChoice`` of mmcv choose from."""
    if isinstance(step, Mapping):
        if not is_type(step, 'RandomApply', 'RandomChoice', 'Compose'):
            yield step
            return
        step = step.get('transforms', ())
    for inner in step:
        yield from _flat(inner)
