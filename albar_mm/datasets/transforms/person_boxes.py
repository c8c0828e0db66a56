"""Person boxes through the augmentations of a clip, to the data sample."""

import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmaction.registry import TRANSFORMS

from ...annotations.person_boxes import read_person_boxes
from ...utils.config_types import class_of, is_type, type_name
from ...utils.errors import DatasetError
from ...utils.numbers import number
from .video_fields import LoadVideoField, ShownTransform, has_step, only, pack_field, step_names

MIN_SCORE = 0.4
"""Score above which ActorCutMix and StillMix take a detection for a person."""
_NOBODY = np.empty((0, 4), np.float32), np.empty(0, np.int64)
_ROUNDING = 1e-3  # px; scale factors are float32


@TRANSFORMS.register_module()
class LoadPersonBoxes(LoadVideoField):
    """Load the person boxes of the sampled frames; stands right after the decoding step.

    The boxes go to ``gt_bboxes``, which MMAction2's own resizing, cropping and flipping steps
    transform (and which steps that cannot refuse). But its crops end a box that reaches their right
    or lower border one pixel before it, which a following enlargement makes several: a person that
    fills the crop would not. So two points are sent along as ``keypoint``, which those steps move
    without clipping, and :class:`PackPersonBoxes` reads from them where the boxes went. Steps
    between the two must carry both, or not move pixels: see :func:`.check_box_pipeline`.

    Args:
        file: File of boxes, see :func:`albar_mm.annotations.person_boxes.read_person_boxes`. It is
            read when the transform is made, so that the workers of a loader share its memory.
        min_score: Boxes of a lower score are left out.
        missing: What to do with a video that the file does not have: ``'fail'``, or ``'none'``,
            take it for a video without people; such videos are counted in the log.
        above: Leave out boxes of just ``min_score`` as well, as ActorCutMix's code does; SDN's
            keeps them.

    Raises:
        ValueError: For another ``missing``, or a ``min_score`` that is not finite.
        DatasetError: The file cannot be read.

    Example:
        >>> pipeline = with_person_boxes(train_pipeline, 'data/hmdb51/people.jsonl')
    """

    read = staticmethod(read_person_boxes)
    words = 'person boxes', 'taken for videos without people'

    def __init__(
        self,
        file: str | os.PathLike,
        min_score: float = MIN_SCORE,
        missing: str = 'fail',
        above: bool = False,
    ) -> None:
        self.min_score = number(min_score, 'LoadPersonBoxes.min_score', error=ValueError)
        self.above = above
        super().__init__(file, missing)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Set ``gt_bboxes``, ``person_frames`` and what :class:`PackPersonBoxes` needs.

        Args:
            results: ``imgs`` (decoded frames, RGB), ``frame_inds``, ``filename`` or, for raw
                frames, ``frame_dir``; ``start_index`` (number of the first frame of a video) and
                ``offset`` (frames of the folder before the video) if there are any.

        Returns:
            The results with ``gt_bboxes``, float32 (n, 4) of x1, y1, x2, y2 in px of the frames,
            clipped to them, and ``person_frames``, int64 (n,), the position in ``imgs`` that each
            box belongs to; n may be 0.

        Raises:
            ValueError: It does not stand where it must.
            DatasetError: The file does not have the video, or its boxes do not fit it.
        """
        place = 'LoadPersonBoxes must stand right after the decoding step'
        if 'imgs' not in results or 'frame_inds' not in results:
            raise ValueError(f'{place}: imgs and frame_inds are not there yet')
        for key in ('gt_bboxes', 'keypoint'):
            if key in results:
                raise ValueError(
                    f'LoadPersonBoxes: {key} is there already: the data set has boxes or key '
                    'points of its own, which is not supported'
                )
        found = self.find(results)
        video = str(results.get('frame_dir') or results['filename'])
        frames, images = np.ravel(results['frame_inds']), len(results['imgs'])
        if len(frames) != images:
            raise ValueError(f'{place}: there are {images} images of {len(frames)} frames')
        numbers = frames - results.get('start_index', 0) + results.get('offset', 0)
        height, width = results['imgs'][0].shape[:2]
        boxes, positions = _NOBODY
        if found is not None:
            boxes, positions = found.at(numbers, self.min_score, self.above)
        boxes = self._clipped(boxes, numbers[positions], width, height, video)
        return dict(
            results,
            img_shape=(height, width),
            gt_bboxes=boxes,
            person_frames=positions,
            # outside of the image, and so odd that no crop moves one of them to 0: Flip leaves
            # key points at 0 where they are
            keypoint=_points(width, height)[None, None],
            person_boxes_from=(boxes.copy(), (height, width)),
        )

    def _clipped(
        self, boxes: np.ndarray, numbers: np.ndarray, width: int, height: int, video: str
    ) -> np.ndarray:
        clipped = boxes.clip(0, np.array([width, height, width, height], np.float32))
        outside = (clipped[:, 0] >= clipped[:, 2]) | (clipped[:, 1] >= clipped[:, 3])
        if outside.any():
            first = int(np.flatnonzero(outside)[0])
            raise DatasetError(
                f'{self._file}: video {video}: the box {boxes[first].tolist()} of frame '
                f'{int(numbers[first])} (from 0) lies outside of the image of {width}x{height} px; '
                'get the boxes of this very file'
            )
        return clipped


@TRANSFORMS.register_module()
class PackPersonBoxes(ShownTransform):
    """Turn what :class:`LoadPersonBoxes` began into the field ``person_boxes``.

    Stands right before ``FormatShape``; ``PackActionInputs(algorithm_keys=('person_boxes',))`` then
    carries the field to the data sample. Boxes are clipped to the final image; those that left it
    are dropped.
    """

    carries_person_boxes = True  # it touches no image

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``gt_bboxes`` and ``person_frames`` by ``person_boxes``.

        Args:
            results: ``imgs`` and what :class:`LoadPersonBoxes` set.

        Returns:
            The results with ``person_boxes``, float32 tensor (n, 5) of frame, x1, y1, x2, y2: the
            position in ``imgs``, and corners in px of the final image, x2 and y2 exclusive.

        Raises:
            ValueError: There is no ``LoadPersonBoxes`` before it, or a step between them changed
                images, but not the boxes.
        """
        if 'person_boxes_from' not in results:
            raise ValueError(
                'PackPersonBoxes needs LoadPersonBoxes before it in the pipeline, '
                'and FormatShape after it'
            )
        results = dict(results)
        boxes, (height, width) = results.pop('person_boxes_from')
        carried, positions = results.pop('gt_bboxes'), results.pop('person_frames')
        points = np.asarray(results.pop('keypoint'), dtype=np.float64).reshape(-1, 2)
        _check_carried(results, carried, boxes)
        before = _points(width, height)
        factor = (points[1] - points[0]) / (before[1] - before[0])
        shift = points[0] - factor * before[0]
        moved = boxes.reshape(-1, 2, 2) * factor + shift
        # a whole number stays one: a mask made of the boxes may look for the pixels they touch
        moved = np.where(np.abs(moved - np.rint(moved)) < _ROUNDING, np.rint(moved), moved)
        size = results['imgs'][0].shape[1::-1]
        # a flipped box has its corners exchanged
        first, last = moved.min(axis=1).clip(0, size), moved.max(axis=1).clip(0, size)
        stays = (first < last).all(axis=1)
        rows = np.concatenate([positions[:, None], first, last], axis=1)[stays]
        results['person_boxes'] = torch.from_numpy(rows.astype(np.float32))
        return results


def _points(width: int, height: int) -> np.ndarray:
    """Two points, float64 (2, 2) of x, y, outside of an image of this size."""
    return np.array([[-0.31830989, -0.36787944], [1.57721566, 1.61803399]]) * (width, height)


def _check_carried(results: dict[str, Any], carried: Any, boxes: np.ndarray) -> None:
    shape = results['imgs'][0].shape[:2]
    if tuple(results['img_shape']) != shape:
        why = f'images are {shape[1]}x{shape[0]} px, but img_shape says {results["img_shape"]}'
    elif len(results['imgs']) != np.size(results['frame_inds']):
        why = f'there are {len(results["imgs"])} images of {np.size(results["frame_inds"])} frames'
    elif not isinstance(carried, np.ndarray) or carried.shape != boxes.shape:
        why = 'gt_bboxes were replaced'
    else:
        return
    raise ValueError(
        f'PackPersonBoxes: a step after LoadPersonBoxes changed images, but not the '
        f'person boxes ({why}); check_box_pipeline names it'
    )


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
    above: bool = False,
) -> list[dict[str, Any]]:
    """Put the steps that load and pack person boxes into a training pipeline of RGB clips.

    Args:
        pipeline: Steps as config dicts, of videos (``DecordDecode``, ``OpenCVDecode``,
            ``PyAVDecode``, ``PIMSDecode``) or raw frames (``RawFrameDecode``); it is not changed.
            The same settings twice change nothing.
        file: See :class:`LoadPersonBoxes`, likewise the others.
        min_score: Score from which a box counts.
        missing: ``'fail'`` or ``'none'``.
        above: Count boxes of a higher score alone.

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
    load = dict(type=LOAD, file=os.fspath(file), min_score=min_score, missing=missing, above=above)
    if not has_step(steps, load, min_score=MIN_SCORE, missing='fail', above=False):
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
