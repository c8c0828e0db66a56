"""Bias benchmarks on the fly: reading the source video, then SCUBA, SCUFO or Confl-FG."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.registry import TRANSFORMS

from ...compositing.kept import changed, materials_of
from ...compositing.render import needed_frames, render_frames
from ...utils.numbers import number
from ...video.source_video import frame_cache
from .video_fields import ShownTransform

CACHE_MIB = 256
"""Default limit of decoded source frames that a process keeps."""


@TRANSFORMS.register_module()
class SourceInit(ShownTransform):
    """Takes the place of ``DecordInit``: announces the item, not its source video.

    The frame sampler then sees what it would see of the exported video: its length (that of the
    kept range), first frame 0 and frame rate.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Set ``total_frames``, ``start_index`` and ``avg_fps``.

        Args:
            results: ``row``, the row of the manifest.
        """
        row = _row_of(results, type(self).__name__)
        return dict(results, total_frames=row['frames'], start_index=0, avg_fps=row['fps'])


@TRANSFORMS.register_module()
class SourceDecode(ShownTransform):
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
        self.cache_mib = number(
            cache_mib, 'SourceDecode.cache_mib', 0, whole=True, error=ValueError
        )

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Set ``source_frames``: the kept frames that are needed, by their index.

        Args:
            results: ``row``, ``filename`` (source video), ``frame_inds`` from the sampler and,
                if known, ``also_frames``: further frames of the source worth keeping.

        Raises:
            BadVideoError: The video cannot be read.
        """
        row = _row_of(results, type(self).__name__)
        indices = np.ravel(results['frame_inds'])
        kept = needed_frames(row, indices.tolist())
        frames, total = frame_cache(self.cache_mib).get(
            Path(results['filename']),
            [row['first'] + index for index in kept],
            results.get('also_frames', ()),
            row.get('kept_fps'),
        )
        return dict(
            results,
            frame_inds=indices,
            source_total=total,
            source_frames=dict(zip(kept, frames, strict=True)),
        )


class CompositeFrames(ShownTransform):
    """Composites the sampled frames of an item; the pixels are those of the lossless export.

    Args:
        bias_root: Folder of the benchmark, with ``masks/`` and, for Confl-FG, ``stills/``.
        backgrounds: Background family -> folder of its images; stripes need none.
    """

    #: the set whose rows the transform takes
    domain = ''

    def __init__(
        self,
        bias_root: str | os.PathLike,
        backgrounds: Mapping[str, str | os.PathLike] | None = None,
    ) -> None:
        # not public attributes: results.json describes a pipeline by those, without paths
        self._root, self._folders = str(bias_root), dict(backgrounds or {})
        self.backgrounds = sorted(name.lower() for name in self._folders)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Set ``imgs`` (uint8 RGB), ``original_shape`` and ``img_shape`` (height, width).

        Args:
            results: ``row``, ``frame_inds``, and what :class:`SourceDecode` found.

        Raises:
            DatasetError: Masks, background or still are gone or not those of the manifest, or
                the source video has changed.
            ValueError: The row is of another set, or no ``SourceDecode`` stands before.
        """
        name = type(self).__name__
        row = _row_of(results, name)
        if row['set'] != self.domain:
            raise ValueError(
                f'{name} makes {self.domain} items, {row["id"]} is of the set '
                f'{row["set"]}: name each domain in pipelines'
            )
        if 'source_frames' not in results:
            raise ValueError(f'{name} must stand right after SourceDecode in the pipeline')
        results = dict(results)
        frames: dict[int, np.ndarray] = results.pop('source_frames')
        materials = materials_of(self._root, self._folders)
        source, shape = Path(results['filename']), (row['height'], row['width'])
        materials.check_length(row, source, results.pop('source_total'))
        found = next(iter(frames.values())).shape[:2]
        if found != shape:
            raise changed(source, f'{found[1]}x{found[0]} px, {shape[1]}x{shape[0]} expected')
        shown = self._shown(list(frames), results['frame_inds'])
        buffer = np.empty((len(shown), *shape, 3), np.uint8)
        render_frames(
            row,
            list(frames.values()),
            materials.masks(row).frames(frames),
            materials.background(row),
            materials.still(row),
            buffer[: len(frames)],
        )
        imgs = _one_each(buffer, shown, len(frames))
        return dict(results, imgs=imgs, original_shape=shape, img_shape=shape)

    def _shown(self, frames: list[int], indices: np.ndarray) -> list[int]:
        """Which of the rendered frames each sampled frame shows."""
        place = {frame: number for number, frame in enumerate(frames)}
        return [place[index] for index in indices.tolist()]


@TRANSFORMS.register_module()
class SwapBackground(CompositeFrames):
    """SCUBA: puts the moving foreground on the still background that the row names.

    Stands right after :class:`SourceDecode`, with the arguments of :class:`CompositeFrames`.
    :class:`OnTheFlyBenchmarkDataset` puts both into a usual pipeline by itself; written out:

    Example:
        >>> pipeline = [
        ...     dict(type='SourceInit'),
        ...     dict(type='BiasSampleFrames', clip_len=32, frame_interval=2, test_mode=True),
        ...     dict(type='SourceDecode'),
        ...     dict(type='SwapBackground', bias_root='data/hmdb51/bias',
        ...          backgrounds=dict(places365='data/places365/test_256')), ...]
    """

    domain = 'scuba'


@TRANSFORMS.register_module()
class PasteForeground(CompositeFrames):
    """Confl-FG: as :class:`SwapBackground`, with a still foreground of another class between."""

    domain = 'conflfg'


@TRANSFORMS.register_module()
class RepeatFrame(CompositeFrames):
    """SCUFO: as :class:`SwapBackground`, but the one frame that the row names, repeated."""

    domain = 'scufo'

    def _shown(self, frames: list[int], indices: np.ndarray) -> list[int]:
        return [0] * len(indices)


def _row_of(results: dict[str, Any], step: str) -> dict[str, Any]:
    if 'row' not in results:
        raise ValueError(
            f'{step} needs the row of a manifest: use it with '
            'OnTheFlyBenchmarkDataset, which gives it'
        )
    return results['row']


def _one_each(buffer: np.ndarray, shown: list[int], rendered: int) -> list[np.ndarray]:
    """One image per sampled frame, none of them twice: later steps may work in place."""
    imgs = []
    for index, place in enumerate(shown):
        if place in shown[:index]:
            buffer[rendered] = buffer[place]
            place, rendered = rendered, rendered + 1
        imgs.append(buffer[place])
    return imgs
