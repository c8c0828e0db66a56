"""Reading the source video of an item that is composited on the fly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from ...compositing.render import needed_frames
from ...video.frame_cache import frame_cache

CACHE_MIB = 256
"""Default limit of decoded source frames that a process keeps."""


@TRANSFORMS.register_module()
class SourceInit(BaseTransform):
    """Takes the place of ``DecordInit``: announces the item, not its source video.

    The frame sampler then sees what it would see of the exported video: its length (that of the
    kept range), first frame 0 and frame rate.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Set ``total_frames``, ``start_index`` and ``avg_fps``.

        Args:
            results: ``row``, the row of the manifest.
        """
        row = row_of(results, type(self).__name__)
        return dict(results, total_frames=row['frames'], start_index=0, avg_fps=row['fps'])

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


@TRANSFORMS.register_module()
class SourceDecode(BaseTransform):
    """Takes the place of ``DecordDecode``: decodes those frames of the source that are needed.

    They stay in a cache of the process, for the other variants that are made from this video; the
    sets' transform (:class:`SwapBackground`, :class:`PasteForeground`, :class:`RepeatFrame`) must
    follow at once.

    Args:
        cache_mib: Limit of that cache in MiB; 0 for none.

    Raises:
        ValueError: A negative limit.
    """

    def __init__(self, cache_mib: int = CACHE_MIB) -> None:
        if not isinstance(cache_mib, int) or cache_mib < 0:
            raise ValueError(f'cache_mib must be a number of MiB >= 0, got {cache_mib!r}')
        self.cache_mib = cache_mib

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Set ``source_frames``: the kept frames that are needed, by their index.

        Args:
            results: ``row``, ``filename`` (source video), ``frame_inds`` from the sampler and,
                if known, ``also_frames``: further frames of the source worth keeping.

        Raises:
            BadVideoError: The video cannot be read.
        """
        row = row_of(results, type(self).__name__)
        indices = np.ravel(results['frame_inds'])
        kept = needed_frames(row, indices.tolist())
        frames, total = frame_cache(self.cache_mib).get(
            Path(results['filename']),
            [row['first'] + index for index in kept],
            results.get('also_frames', ()),
        )
        return dict(
            results,
            frame_inds=indices,
            source_total=total,
            source_frames=dict(zip(kept, frames, strict=True)),
        )

    def __repr__(self) -> str:
        return f'{type(self).__name__}(cache_mib={self.cache_mib})'


def row_of(results: dict[str, Any], step: str) -> dict[str, Any]:
    """The manifest row in ``results``.

    Args:
        results: What the pipeline hands on.
        step: Name of the step, for the message.

    Raises:
        ValueError: There is none.
    """
    if 'row' not in results:
        raise ValueError(
            f'{step} needs the row of a manifest: use it with '
            'OnTheFlyBenchmarkDataset, which gives it'
        )
    return results['row']
