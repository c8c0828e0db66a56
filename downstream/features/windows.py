"""From the frames of a video to its snippets: every frame is decoded and resized once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from .sampling import OUTSIDE, Sampling

View = Callable[[np.ndarray], np.ndarray]
"""Frames (n, H, W, 3) -> what the encoder sees of them, (n, crops, h, w, 3), uint8."""


class Windows:
    """Cuts a stream of frames into snippets; holds no more frames than one snippet and one chunk.

    Args:
        sampling: Which frames a snippet is made of.
        view: Resizes and crops frames; those that no snippet shows are not given to it.

    Attributes:
        num_frames: Frames that came; the video's length when all snippets were given.
    """

    def __init__(self, sampling: Sampling, view: View) -> None:
        self.sampling, self.view = sampling, view
        self.num_frames = 0
        self._frames: deque[np.ndarray | None] = deque()
        self._first = 0  # index of the oldest frame that is held
        self._start: list[np.ndarray] = []  # what a loop comes back to
        self._last: np.ndarray | None = None  # the newest frame, as it came

    def cut(self, chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Snippets in their order, each when its last frame has come.

        Args:
            chunks: Frames of the video, uint8 of shape (n, H, W, 3).

        Yields:
            uint8 array of shape (crops, L, h, w, 3).
        """
        sampling, snippet = self.sampling, 0
        for chunk in chunks:
            self._take(chunk)
            while sampling.start(snippet) + sampling.span <= self.num_frames:
                yield self._snippet(snippet)
                snippet += 1
            self._forget(sampling.start(snippet))
        for late in range(snippet, sampling.num_snippets(self.num_frames)):
            yield self._snippet(late)

    def _take(self, chunk: np.ndarray) -> None:
        indices = np.arange(self.num_frames, self.num_frames + len(chunk))
        again = self.sampling.span if self.sampling.padding == 'loop' else 1
        shown = self.sampling.used(indices) | (indices < again)
        seen = iter(self.view(chunk if shown.all() else chunk[shown]) if shown.any() else ())
        frames = [next(seen) if one else None for one in shown]
        if len(self._start) < again:
            self._start.extend(frames[: again - len(self._start)])
        self._frames.extend(frames)
        self._last = chunk[-1:]
        self.num_frames += len(chunk)

    def _forget(self, before: int) -> None:
        while self._first < before and self._frames:
            self._frames.popleft()
            self._first += 1

    def _snippet(self, index: int) -> np.ndarray:
        wanted = self.sampling.frames(index, self.num_frames).tolist()
        frames = {i: self._frame(i) for i in set(wanted) - {OUTSIDE}}
        if OUTSIDE in wanted:
            frames[OUTSIDE] = np.zeros_like(self.view(self._last)[0])
        return np.stack([frames[i] for i in wanted], axis=1)

    def _frame(self, index: int) -> np.ndarray:
        frame = None
        if index >= self._first:
            frame = self._frames[index - self._first]
        elif index < len(self._start):
            frame = self._start[index]
        # padding shows the last frame, also where the sampling would pass it by
        return self.view(self._last)[0] if frame is None else frame
