"""What an encoder sees of a frame: the resizing and cropping of its own test pipeline."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmaction.registry import TRANSFORMS
from mmengine.config import Config

from albar_mm.utils.config_types import mappings, type_name
from albar_mm.utils.errors import LaunchError
from albar_mm.utils.numbers import one_of

CROPS = {1: 'CenterCrop', 3: 'ThreeCrop', 10: 'TenCrop'}
"""Number of crops -> step of MMAction2 that makes them."""


class PipelineView:
    """Resizes and crops frames as MMAction2 does in a test; every frame by itself.

    Args:
        steps: Configs of the spatial steps of a test pipeline, in order.
    """

    def __init__(self, steps: Sequence[Mapping[str, Any]]) -> None:
        self.steps = [dict(step) for step in steps]
        self._transforms = [TRANSFORMS.build(step) for step in self.steps]

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Transform frames.

        Args:
            frames: uint8, shape (n, H, W, 3), n >= 1.

        Returns:
            uint8, shape (n, crops, h, w, 3).
        """
        results: dict[str, Any] = dict(
            imgs=list(frames),
            img_shape=frames.shape[1:3],
            original_shape=frames.shape[1:3],
            modality='RGB',
            num_clips=1,
            clip_len=len(frames),
        )
        for transform in self._transforms:
            results = transform(results)
        crops = len(results['imgs']) // len(frames)  # they come crop by crop
        stacked = np.stack(results['imgs'])
        return stacked.reshape(crops, len(frames), *stacked.shape[1:]).swapaxes(0, 1)


def test_pipeline(cfg: Config) -> list[dict[str, Any]]:
    """The pipeline of a config's test set, or of its validation set.

    Args:
        cfg: Config of a recogniser.

    Raises:
        LaunchError: It has none.
    """
    for loader in ('test_dataloader', 'val_dataloader'):
        for _, node in mappings(cfg.get(loader)):
            if node.get('pipeline'):
                return [dict(step) for step in node['pipeline']]
    raise LaunchError(
        f'{cfg.filename or "the config"}: no test_dataloader with a pipeline that '
        'says how frames are resized and cropped'
    )


def spatial_steps(
    pipeline: Sequence[Mapping[str, Any]], crops: int | None = None
) -> list[dict[str, Any]]:
    """Its steps between decoding and ``FormatShape``.

    Args:
        pipeline: A test pipeline.
        crops: Number of crops, 1, 3 or 10, of the pipeline's own size; None: the pipeline's own.

    Raises:
        LaunchError: A step is not known to treat every frame alike, or there is no crop to vary.
    """
    kinds = [type_name(step) for step in pipeline]
    begin = max((i + 1 for i, kind in enumerate(kinds) if kind.endswith('Decode')), default=0)
    end = kinds.index('FormatShape') if 'FormatShape' in kinds else len(kinds)
    for kind in kinds[begin:end]:
        if kind not in ('Resize', *CROPS.values()):
            raise LaunchError(
                f'test pipeline: {kind} between decoding and FormatShape; features are made with '
                f'Resize, {", ".join(CROPS.values())} alone'
            )
    steps = [dict(step) for step in pipeline[begin:end]]
    if crops is None:
        return steps
    one_of(crops, CROPS, 'crops', LaunchError)
    cropping = [i for i, kind in enumerate(kinds[begin:end]) if kind in CROPS.values()]
    if not cropping:
        raise LaunchError('test pipeline: it has no crop step whose crops could be changed')
    steps[cropping[-1]] = dict(type=CROPS[crops], crop_size=steps[cropping[-1]]['crop_size'])
    return steps
