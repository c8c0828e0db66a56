"""Person boxes as masks: every actor of a frame, as filled rectangles."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...annotations.tubes import FRAME_SLACK, Tube, read_boxes
from ...annotations.video_lists import read_once
from ...utils.errors import DatasetError
from ...utils.files import write_text
from ...utils.spec import require
from ...video.source_video import SourceVideo
from .source import MaskResult, MaskSource


@dataclass(frozen=True)
class BoxMasks(MaskSource):
    """Boxes from a pickle (UCF101-24, either layout) or a text file; see
    :mod:`albar_mm.annotations.tubes`.

    A box covers the pixels ``int(y1):int(y2), int(x1):int(x2)``, at least one, as in the published
    UCF101 sets (Li et al., StillMix, ICCV 2023). Those are made of the first tube of a video alone:
    all 910 have its length in the published list. (The released code takes the first box that it
    finds of a frame in any tube: the same pixels, in more frames of 88 videos.) Where two act, one
    is lost.

    Frames of the boxes count those of the file, also where only some are kept.

    Attributes:
        path: File of the boxes.
        actors: Whose boxes become masks: those of ``'all'``, or of the ``'first'`` as published.
            None leaves it to the benchmark, and is ``'all'`` where that does not say.
    """

    path: Path
    actors: str | None = None

    def __post_init__(self) -> None:
        require(self, actors=(self.actors in ('all', 'first', None), "'all' or 'first'"))

    @property
    def name(self) -> str:
        """``ucf24_boxes`` for a pickle, ``text_boxes`` for text; ``…_first`` if others are lost."""
        kind = 'ucf24' if self.path.suffix.lower() in ('.pkl', '.pickle') else 'text'
        return f'{kind}_boxes' + ('_first' if self.actors == 'first' else '')

    def settings(self) -> dict[str, Any]:
        """All settings as plain JSON; ``actors`` only where it is ``'first'``."""
        found = super().settings()
        if self.actors != 'first':
            found.pop('actors')
        return found

    def files(self, video: SourceVideo) -> list[Path]:
        return [self.path]

    def tubes(self, video: SourceVideo) -> tuple[Tube, ...]:
        """Tubes of a video, one per actor, in the order of the file; the video is not read.

        Raises:
            DatasetError: The file holds no box of the video.
        """
        known = read_once(read_boxes, self.path, 'no such file')
        folders = [name for name in (video.class_name, video.path.parent.name) if name]
        names = dict.fromkeys((video.video_id, video.path.stem, video.path.name))
        keys = [*dict.fromkeys(f'{f}/{n}' for f in folders for n in names), *names]
        found = next((known[key] for key in keys if known.get(key)), None)
        if found is None:
            raise DatasetError(
                f'video {video.video_id}: {self.path} holds no boxes of it; looked for '
                f'{" and ".join(keys)}'
            )
        return found[:1] if self.actors == 'first' else found

    def fitted_tubes(self, video: SourceVideo) -> tuple[Tube, ...]:
        """The tubes, clipped to the frames and the image: whole numbers x1 < x2 <= W, y1 < y2 <= H.

        Frames are those of ``video.frames``; boxes of others are left out.

        Raises:
            DatasetError: Boxes lie outside of the image, or more than ``FRAME_SLACK`` frames
                beyond the end: they belong to another video.
        """
        (height, width), length = video.frames.shape[1:3], video.total
        tubes = self.tubes(video)
        last = max(int(tube.frames[-1]) for tube in tubes)
        if last >= length + FRAME_SLACK:
            raise DatasetError(
                f'video {video.video_id}: {self.path} has boxes up to frame {last + 1}, but '
                f'{video.path} has {length} frames; get the boxes of this very file'
            )
        fitted = []
        for tube in tubes:
            inside = np.isin(tube.frames, video.kept)
            if inside.any():
                boxes = self._clipped(tube, width, height, video)
                frames = np.searchsorted(video.kept, tube.frames[inside])
                fitted.append(Tube(frames, boxes[inside], tube.class_name))
        return tuple(fitted)

    def boxes(self, video: SourceVideo) -> list[np.ndarray]:
        """Per frame, the int64 boxes x1, y1, x2, y2 of its actors, shape (n, 4), n >= 0."""
        rows: list[list[np.ndarray]] = [[] for _ in video.frames]
        for tube in self.fitted_tubes(video):
            for frame, box in zip(tube.frames, tube.boxes, strict=True):
                rows[frame].append(box)
        return [np.array(row, dtype=np.int64).reshape(-1, 4) for row in rows]

    def _make(self, video: SourceVideo) -> MaskResult:
        masks = np.zeros(video.frames.shape[:3], dtype=bool)
        for index, boxes in enumerate(self.boxes(video)):
            for x1, y1, x2, y2 in boxes:
                masks[index, y1:y2, x1:x2] = True
        return MaskResult(masks)

    def _clipped(self, tube: Tube, width: int, height: int, video: SourceVideo) -> np.ndarray:
        x1, y1, x2, y2 = np.trunc(tube.boxes.T).astype(np.int64)
        x2, y2 = np.maximum(x2, x1 + 1), np.maximum(y2, y1 + 1)
        x1, x2 = np.maximum(x1, 0), np.minimum(x2, width)
        y1, y2 = np.maximum(y1, 0), np.minimum(y2, height)
        outside = np.flatnonzero((x1 >= x2) | (y1 >= y2))
        if outside.size:
            frame, box = int(tube.frames[outside[0]]) + 1, tube.boxes[outside[0]].tolist()
            raise DatasetError(
                f'video {video.video_id}: {self.path}: the box {box} of frame {frame} lies outside '
                f'of the image of {width}x{height} px; get the boxes of this very file'
            )
        return np.stack([x1, y1, x2, y2], axis=1)


@dataclass(frozen=True)
class BoundingBoxes(MaskSource):
    """The bounding box of each frame's mask, as a filled rectangle.

    Attributes:
        source: The masks.
    """

    source: MaskSource
    kind = 'bounding'

    def _make(self, video: SourceVideo) -> MaskResult:
        given = self.source.result(video)
        masks = np.zeros_like(given.masks)
        for index, (x1, y1, x2, y2) in enumerate(bounding_boxes(given.masks)):
            masks[index, y1:y2, x1:x2] = True
        return MaskResult(masks, given.notes)


def bounding_boxes(masks: np.ndarray) -> np.ndarray:
    """The box around each mask of bool (T, H, W): int64 (T, 4) of x1, y1, x2, y2 in px.

    x2 and y2 are exclusive; all are 0 for an empty mask.
    """
    rows, columns = masks.any(2), masks.any(1)
    _, height, width = masks.shape
    ends = width - columns[:, ::-1].argmax(1), height - rows[:, ::-1].argmax(1)
    boxes = np.stack([columns.argmax(1), rows.argmax(1), *ends], axis=1)
    return np.where(rows.any(1)[:, None], boxes, 0)


def write_box_file(path: Path, source: MaskSource, videos: Iterable[SourceVideo]) -> Path:
    """Write the boxes around masks as the text file that ``boxes:`` and ``grabcut:`` read.

    Its name must not end in ``.pkl``; the frames of the videos are freed again.

    Raises:
        DatasetError: See :meth:`.source.MaskSource.masks`.
    """
    lines = [f'# boxes around the masks of {source.name}: video frame x1 y1 x2 y2\n']
    for video in videos:
        name = f'{video.path.parent.name}/{video.path.stem}'
        boxes = bounding_boxes(source.masks(video))
        video.forget_frames()
        lines += [
            f'{name} {frame} {x1} {y1} {x2} {y2}\n'
            for frame, (x1, y1, x2, y2) in enumerate(boxes, 1)
            if x1 < x2
        ]
    write_text(path, ''.join(lines))
    return path
