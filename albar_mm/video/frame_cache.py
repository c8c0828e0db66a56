"""Decoded frames of source videos, kept for the variants that are made from one video."""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.datasets.transforms import DecordDecode, DecordInit

from ..utils.errors import BadVideoError
from .source_video import read_frames
from .strict_reading import read_strictly


def decode_frames(path: Path, indices: Collection[int]) -> tuple[dict[int, np.ndarray], int]:
    """Decode some frames of a video, exactly as :func:`~.source_video.read_frames` decodes them.

    From the first frame on and without skipping any: with the AVI files of HMDB51 decord gives
    other frames after a seek (in some even when it skips a single one).

    Args:
        path: The video file.
        indices: Frames; those beyond the end are left out.

    Returns:
        Index -> uint8 RGB (H, W, 3), read-only; and the number of frames of the whole video.

    Raises:
        BadVideoError: It cannot be read; names the file.
    """
    if importlib.util.find_spec('decord'):
        choose = _Choose(indices)
        results = read_strictly(
            [DecordInit(), choose, _SequentialDecode()], dict(filename=str(path))
        )
        found, total = dict(zip(choose.chosen, results['imgs'], strict=True)), choose.total
    else:
        frames = read_frames(path)
        total = len(frames)
        # copies, as a view would keep the whole video in memory
        found = {index: frames[index].copy() for index in sorted(indices) if index < total}
    if len({frame.shape for frame in found.values()}) > 1:
        raise BadVideoError.of(str(path), 'its frames differ in size')
    for frame in found.values():
        frame.flags.writeable = False
    return found, total


class FrameCache:
    """Keeps decoded frames of the videos that were asked for last.

    Args:
        max_bytes: Upper limit of what is kept; 0 keeps nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        #: number of times that a video was decoded
        self.decoded = 0
        self._kept: OrderedDict[Path, _Entry] = OrderedDict()

    def get(
        self, path: Path, indices: Sequence[int], also: Collection[int] = ()
    ) -> tuple[list[np.ndarray | None], int]:
        """Give frames of a video, decoding it if one is not there.

        Args:
            path: The video file.
            indices: Frames.
            also: Further frames to keep if the video is decoded now, as they will be asked for.

        Returns:
            uint8 RGB (H, W, 3), read-only, one per index (None beyond the end); and the number of
            frames of the whole video.

        Raises:
            BadVideoError: It cannot be read; names the file.
        """
        entry = self._kept.pop(path, None)
        if entry is None or not set(indices) <= entry.asked:
            asked = {*indices, *also} | (entry.asked if entry else set())
            entry = _Entry(asked, *decode_frames(path, asked))
            self.decoded += 1
        if entry.bytes <= self.max_bytes:
            self._kept[path] = entry
            while self.bytes > self.max_bytes:
                self._kept.popitem(last=False)
        return [entry.frames.get(index) for index in indices], entry.total

    @property
    def bytes(self) -> int:
        """Size of what is kept."""
        return sum(entry.bytes for entry in self._kept.values())

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()


@cache
def frame_cache(max_mib: int) -> FrameCache:
    """The cache of this process, one for each limit in MiB."""
    return FrameCache(max_mib << 20)


@dataclass
class _Entry:
    asked: set[int]
    frames: dict[int, np.ndarray]
    total: int
    bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.bytes = sum(frame.nbytes for frame in self.frames.values())


class _Choose:
    """Hands the frames that exist to the decoder."""

    def __init__(self, indices: Collection[int]) -> None:
        self._indices = indices
        self.chosen: list[int] = []
        self.total = 0

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        self.total = int(results['total_frames'])
        # one frame at least, so that its size is known
        self.chosen = sorted(i for i in self._indices if i < self.total) or [0]
        return dict(results, frame_inds=np.asarray(self.chosen))


class _SequentialDecode(DecordDecode):
    """Passes over every frame up to the last one that is wanted."""

    def _decord_load_frames(self, container: Any, frame_inds: np.ndarray) -> list[np.ndarray]:  # noqa: ANN401
        wanted, found = set(frame_inds.tolist()), []
        for index in range(max(wanted) + 1):
            frame = container.next()
            if index in wanted:
                found.append(frame.asnumpy())
        return found
