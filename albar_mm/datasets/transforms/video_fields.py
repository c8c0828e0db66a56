"""Fields looked up by video: loading them, and putting the steps for it into a pipeline."""

import copy
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from ...annotations.scene_labels import read_scene_labels
from ...utils.config_types import type_name
from ...utils.numbers import one_of

MISSING = ('fail', 'none')
PACK_INPUTS = 'PackActionInputs'


class ShownTransform(BaseTransform):
    """A transform that shows its public settings, which are those of its ``__init__``."""

    def __repr__(self) -> str:
        shown = {key: value for key, value in vars(self).items() if not key.startswith('_')}
        return f'{type(self).__name__}({", ".join(f"{k}={v!r}" for k, v in shown.items())})'


class LoadVideoField(ShownTransform):
    """What the steps share that find the video of an item in a file.

    Args:
        file: The file. It is read when the transform is made, so that the workers of a loader
            share its memory.
        missing: What to do with a video that the file does not have: ``'fail'`` or ``'none'``.
    """

    carries_person_boxes = True  # it touches no image
    #: reads a file; the same one once in a process
    read: ClassVar[Callable[[str], Any]]
    #: what a file holds, and what becomes of a video without it
    words: ClassVar[tuple[str, str]]

    def __init__(self, file: str | os.PathLike, missing: str = 'fail') -> None:
        self.missing = one_of(missing, MISSING, f'{type(self).__name__}.missing')
        self._file = os.fspath(file)  # not public: results.json describes a pipeline without paths
        self._without: set[str] = set()
        self.read(self._file)

    def find(self, results: Mapping[str, Any]) -> Any:
        """What the file says of a video; None if it does not have it.

        Args:
            results: ``filename`` or, for raw frames, ``frame_dir``.

        Raises:
            ValueError: The results name no video.
            DatasetError: The file does not have the video, and must.
        """
        video = results.get('frame_dir') or results.get('filename')
        if video is None:
            name = type(self).__name__
            raise ValueError(f'{name} needs filename or frame_dir to find the video')
        known, video = self.read(self._file), str(video)
        found = known.of(video)
        if found is None and self.missing == 'fail':
            raise known.missing(video)
        if found is None and video not in self._without:
            self._without.add(video)
            count = len(self._without)
            if count & (count - 1) == 0:  # 1, 2, 4, 8, ...
                what, becomes = self.words
                print_log(
                    f'{self._file}: no {what} of {count} videos so far, {becomes}; the last one '
                    f'is {video}',
                    'current',
                    logging.WARNING,
                )
        return found


def step_names(pipeline: Sequence[Mapping[str, Any]]) -> list[str]:
    """Bare names of the steps of a pipeline.

    Args:
        pipeline: Steps as config dicts.

    Raises:
        ValueError: A step is none.
    """
    for step in pipeline:
        if not isinstance(step, Mapping) or not type_name(step):
            raise ValueError(f'expected steps as config dicts with a type, got {step!r}')
    return [type_name(step) for step in pipeline]


def only(names: Sequence[str], wanted: Sequence[str], what: str = '') -> int:
    """Where the one step of a kind stands.

    Args:
        names: Names of the steps.
        wanted: Names of that kind.
        what: The kind, for the message.

    Raises:
        ValueError: There is none, or several.
    """
    places = [index for index, name in enumerate(names) if name in wanted]
    if len(places) != 1:
        kind = f'{what} ({", ".join(wanted)})' if what else ', '.join(wanted)
        raise ValueError(
            f'expected one {kind} in the pipeline, got {len(places)}, of: {", ".join(names)}'
        )
    return places[0]


def has_step(
    pipeline: Sequence[Mapping[str, Any]], step: Mapping[str, Any], **defaults: Any
) -> bool:
    """Whether a pipeline has a step that loads a file already.

    Args:
        pipeline: Steps as config dicts.
        step: The step, with all its settings.
        **defaults: Settings that a config may leave out.

    Raises:
        ValueError: It has one with other settings, or several.
    """
    found = [each for each in pipeline if type_name(each) == step['type']]
    for each in found:
        given = {**defaults, **each, 'type': step['type']}
        if {**given, 'file': os.fspath(given.get('file', ''))} != step or len(found) > 1:
            raise ValueError(
                f'the pipeline has {step["type"]} with other settings already: {given}; asked for '
                f'{dict(step)}'
            )
    return bool(found)


def pack_field(steps: list[dict[str, Any]], field: str) -> None:
    """Let ``PackActionInputs`` hand a field on.

    Args:
        steps: The pipeline, changed in place.
        field: Name of the field.
    """
    pack = steps[only(step_names(steps), (PACK_INPUTS,))]
    keys = tuple(pack.get('algorithm_keys', ()))
    pack['algorithm_keys'] = keys if field in keys else (*keys, field)


LOAD, FIELD = 'LoadSceneLabels', 'scene_target'
UNKNOWN = -1


@TRANSFORMS.register_module()
class LoadSceneLabels(LoadVideoField):
    """Set ``scene_target``, which PackActionInputs(algorithm_keys=("scene_target",)) carries on.

    It stands anywhere before ``PackActionInputs``; :func:`.with_scene_labels` puts it there.

    Args:
        file: File of scene labels, see :mod:`albar_mm.annotations.scene_labels`.
            It is read when the transform is made, so that the workers of a loader share its memory.
        missing: What to do with a video that the file does not have: ``'fail'``, or ``'none'``,
            set -1, which leaves the sample out of the scene loss; such videos are counted in the
            log.

    Raises:
        ValueError: For another ``missing``.
        DatasetError: The file cannot be read.

    Example:
        >>> pipeline = with_scene_labels(train_pipeline, 'data/hmdb51/scenes.npz')
    """

    read = staticmethod(read_scene_labels)
    words = 'scene labels', 'left out of the scene loss'

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Set ``scene_target``.

        Args:
            results: ``filename`` or, for raw frames, ``frame_dir``.

        Returns:
            The results with ``scene_target``: int64 tensor (), a class index or -1, or float32
            tensor (S,), probabilities.

        Raises:
            ValueError: The results name no video.
            DatasetError: The file does not have the video.
        """
        label = self.find(results)
        return dict(results, scene_target=torch.tensor(UNKNOWN if label is None else label))


def with_scene_labels(
    pipeline: Sequence[Mapping[str, Any]], file: str | os.PathLike, missing: str = 'fail'
) -> list[dict[str, Any]]:
    """Put the step that loads scene labels into a training pipeline.

    Args:
        pipeline: Steps as config dicts; it is not changed. One that has the very same step already
            gets no second one.
        file: See :class:`.LoadSceneLabels`.
        missing: ``'fail'`` or ``'none'``.

    Returns:
        A new pipeline with ``LoadSceneLabels`` right before ``PackActionInputs`` and
        ``scene_target`` among the ``algorithm_keys`` of that.

    Raises:
        ValueError: There is not exactly one ``PackActionInputs``, or a ``LoadSceneLabels`` with
            other settings.

    Example:
        >>> cfg.train_dataloader.dataset.pipeline = with_scene_labels(
        ...     cfg.train_dataloader.dataset.pipeline, 'data/hmdb51/scenes.npz')
    """
    steps = [copy.deepcopy(step) for step in pipeline]
    names = step_names(steps)
    pack_field(steps, FIELD)
    place = only(names, (PACK_INPUTS,))
    load = dict(type=LOAD, file=os.fspath(file), missing=missing)
    if not has_step(steps, load, missing='fail'):
        steps.insert(place, load)
    elif names.index(LOAD) > place:
        raise ValueError(f'{LOAD} stands after {PACK_INPUTS}; it must stand before it')
    return steps
