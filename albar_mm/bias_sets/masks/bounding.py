"""Boxes around masks: what a box benchmark would have shown of the same actors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...utils.files import write_text
from ...video.source_video import SourceVideo
from .source import CheckedMasks, MaskResult, MaskSource, result_of


@dataclass(frozen=True)
class BoundingBoxes(CheckedMasks):
    """The bounding box of each frame's mask, as a filled rectangle.

    Attributes:
        source: The masks.
    """

    source: MaskSource

    @property
    def name(self) -> str:  # type: ignore[override]
        """``bounding(<source>)``."""
        return f'bounding({self.source.name})'

    def _make(self, video: SourceVideo) -> MaskResult:
        given = result_of(self.source, video)
        masks = np.zeros_like(given.masks)
        for index, (x1, y1, x2, y2) in enumerate(bounding_boxes(given.masks)):
            masks[index, y1:y2, x1:x2] = True
        return MaskResult(masks, given.notes)


def bounding_boxes(masks: np.ndarray) -> np.ndarray:
    """The box around each mask.

    Args:
        masks: bool, shape (T, H, W).

    Returns:
        int64, shape (T, 4): x1, y1, x2, y2 in px, x2 and y2 exclusive; all 0 for an empty mask.
    """
    boxes = np.zeros((len(masks), 4), dtype=np.int64)
    for box, mask in zip(boxes, masks, strict=True):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if rows.size:
            box[:] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return boxes


def write_box_file(path: Path, source: MaskSource, videos: Iterable[SourceVideo]) -> Path:
    """Write the boxes around masks as the text file that ``boxes:`` and ``grabcut:`` read.

    Args:
        path: Target, not ending in ``.pkl``.
        source: The masks.
        videos: The source videos; their frames are freed again.

    Returns:
        ``path``.

    Raises:
        DatasetError: See :meth:`.source.MaskSource.masks`.
    """
    lines = [f'# boxes around the masks of {source.name}: video frame x1 y1 x2 y2\n']
    for video in videos:
        name = f'{video.path.parent.name}/{video.path.stem}'
        boxes = bounding_boxes(result_of(source, video).masks)
        video.forget_frames()
        lines += [
            f'{name} {frame} {x1} {y1} {x2} {y2}\n'
            for frame, (x1, y1, x2, y2) in enumerate(boxes, 1)
            if x1 < x2
        ]
    write_text(path, ''.join(lines))
    return path
