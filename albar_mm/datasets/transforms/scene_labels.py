"""Scene labels on the data sample, for the scene branch of SDN."""

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmaction.registry import TRANSFORMS

from ...annotations.scene_labels import read_scene_labels
from .video_fields import PACK_INPUTS, LoadVideoField, has_step, only, pack_field, step_names

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
