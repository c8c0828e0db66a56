"""Scene labels on the data sample, for the scene branch of SDN."""

from __future__ import annotations

import logging
import os
from typing import Any

import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from ...annotations.scene_labels import read_scene_labels

MISSING = ('fail', 'none')
UNKNOWN = -1


@TRANSFORMS.register_module()
class LoadSceneLabels(BaseTransform):
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

    carries_person_boxes = True  # it touches no image

    def __init__(self, file: str | os.PathLike, missing: str = 'fail') -> None:
        if missing not in MISSING:
            raise ValueError(f'LoadSceneLabels.missing must be one of {MISSING}, got {missing!r}')
        self._file = os.fspath(file)  # not public: results.json describes a pipeline without paths
        self.missing = missing
        self._without: set[str] = set()
        read_scene_labels(self._file)

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
        video = results.get('frame_dir') or results.get('filename')
        if video is None:
            raise ValueError('LoadSceneLabels needs filename or frame_dir to find the video')
        known = read_scene_labels(self._file)
        label = known.of(video)
        if label is None:
            if self.missing == 'fail':
                raise known.missing(video)
            self._count(str(video))
            label = UNKNOWN
        return dict(results, scene_target=torch.tensor(label))

    def _count(self, video: str) -> None:
        if video in self._without:
            return
        self._without.add(video)
        count = len(self._without)
        if count & (count - 1) == 0:  # 1, 2, 4, 8, ...
            print_log(
                f'{self._file}: no scene labels of {count} videos so far, left out of the '
                f'scene loss; the last one is {video}',
                'current',
                logging.WARNING,
            )

    def __repr__(self) -> str:
        return f'{type(self).__name__}(missing={self.missing!r})'
