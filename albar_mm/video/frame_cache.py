"""Decoded frames of source videos, kept for the variants that are made from one video."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .source_video import frames_in_order


def decode_frames(path: Path, indices: Collection[int]) -> tuple[dict[int, np.ndarray], int]:
    """Decode some frames of a video, exactly as :func:`~.source_video.read_frames` decodes them.

    Args:
        path: The video file.
        indices: Frames; those beyond the end are left out.

    Returns:
        Index -> uint8 RGB (H, W, 3), read-only; and the number of frames of the whole video.

    Raises:
        BadVideoError: It cannot be read; names the file.
    """
    total, frames = frames_in_order(path)
    # one frame at least, to see that it can be decoded
    last = max((i for i in indices if total is None or i < total), default=0)
    wanted, found, seen = set(indices), {}, 0
    for frame in frames:
        if seen in wanted:
            found[seen] = np.ascontiguousarray(frame)  # a view would keep what it was taken of
            found[seen].flags.writeable = False
        seen += 1
        if total is not None and seen > last:
            return found, total
    return found, seen


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
            frames, total = decode_frames(path, asked)
            entry = _Entry(asked, frames, total, sum(each.nbytes for each in frames.values()))
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


class _Entry(NamedTuple):
    asked: set[int]
    frames: dict[int, np.ndarray]
    total: int
    bytes: int
