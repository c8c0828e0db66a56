"""Which frames a snippet is made of, and how a stream of frames is cut into snippets."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from albar_mm.utils.errors import LaunchError
from albar_mm.utils.numbers import number, one_of

from .time_grid import TimeGrid

_ALLOWED = dict(align=('left', 'centre'), tail=('pad', 'drop'), padding=('repeat', 'loop', 'zero'))
OUTSIDE = -1
"""Index of a black frame."""
View = Callable[[np.ndarray], np.ndarray]
"""Frames (n, H, W, 3) -> what the encoder sees of them, (n, crops, h, w, 3), uint8."""


@dataclass(frozen=True)
class Sampling:
    """Windows of ``clip_len`` frames, one every ``stride`` frames.

    Attributes:
        clip_len: L, frames that the encoder sees of a snippet.
        stride: s, frames from one snippet to the next.
        frame_interval: r, frames from one frame of a snippet to its next; a snippet spans
            ``(L - 1) * r + 1`` frames.
        align: ``'left'``: snippet i begins at frame ``i * s``. ``'centre'``: it is centred within
            the frames ``i * s`` to ``(i + 1) * s``.
        tail: ``'pad'``: snippets for all of the video, ``ceil(N / s)``, of which some reach beyond
            it. ``'drop'``: only those that lie within it, ``floor((N - span) / s) + 1``, yet at
            least one.
        padding: What a snippet sees beyond the video: ``'repeat'``, its first or last frame;
            ``'loop'``, the video from its start again; ``'zero'``, black.
        fps: Frames a second to which a video is brought before, by repeating frames and leaving
            some out; None: its own frames.

    Raises:
        LaunchError: A value cannot be.
    """

    clip_len: int
    stride: int
    frame_interval: int = 1
    align: str = 'left'
    tail: str = 'pad'
    padding: str = 'repeat'
    fps: float | None = None

    def __post_init__(self) -> None:
        for name in ('clip_len', 'stride', 'frame_interval'):
            number(getattr(self, name), name, 1, whole=True, error=LaunchError)
        for name, allowed in _ALLOWED.items():
            one_of(getattr(self, name), allowed, name, LaunchError)
        if self.fps is not None:
            number(self.fps, 'fps', above=0, error=LaunchError)
        if self.align == 'centre' and (self.tail == 'drop' or self.padding == 'loop'):
            raise LaunchError(
                "align='centre' needs tail='pad' and cannot go with padding='loop': its first "
                'snippets begin before the video'
            )

    @property
    def span(self) -> int:
        """Frames from the first to the last of a snippet, both counted."""
        return (self.clip_len - 1) * self.frame_interval + 1

    def start(self, snippet: int) -> int:
        """First frame of the snippet of that index; before the video if negative."""
        shift = self.stride // 2 - self.span // 2 if self.align == 'centre' else 0
        return snippet * self.stride + shift

    def used(self, frame: np.ndarray) -> np.ndarray:
        """Which frames of these indices a snippet without padding can be made of, bool."""
        steps = (self.start(0) + np.arange(self.clip_len) * self.frame_interval) % self.stride
        return np.isin(np.asarray(frame) % self.stride, steps)

    def num_snippets(self, num_frames: int) -> int:
        """T of a video of N frames, N >= 1."""
        if self.tail == 'drop':
            return max(0, num_frames - self.span) // self.stride + 1
        return -(-num_frames // self.stride)

    def frames(self, snippet: int, num_frames: int) -> np.ndarray:
        """Frames of a snippet of a video of N, int64, shape (L,); :data:`OUTSIDE` for black."""
        wanted = self.start(snippet) + np.arange(self.clip_len) * self.frame_interval
        if self.padding == 'loop':
            return wanted % num_frames
        kept = np.clip(wanted, 0, num_frames - 1)
        return kept if self.padding == 'repeat' else np.where(kept == wanted, kept, OUTSIDE)

    def grid(
        self, num_frames: int, fps: float, frame_times_s: tuple[float, ...] | None = None
    ) -> TimeGrid:
        """The time grid of a video of N frames at its own rate or that to which it was brought."""
        return TimeGrid(
            self.num_snippets(num_frames),
            self.stride,
            self.start(0) + self.span / 2,
            num_frames,
            fps,
            frame_times_s,
        )

    def settings(self) -> dict[str, Any]:
        """All values, for the store."""
        return asdict(self)


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

        Of frames, uint8 of shape (n, H, W, 3); uint8 of shape (crops, L, h, w, 3).
        """
        sampling, snippet = self.sampling, 0
        for chunk in chunks:
            self._take(chunk)
            while sampling.start(snippet) + sampling.span <= self.num_frames:
                yield self._snippet(snippet)
                snippet += 1
            while self._first < sampling.start(snippet) and self._frames:
                self._frames.popleft()
                self._first += 1
        for late in range(snippet, sampling.num_snippets(self.num_frames)):
            yield self._snippet(late)

    def _take(self, chunk: np.ndarray) -> None:
        indices = np.arange(self.num_frames, self.num_frames + len(chunk))
        again = self.sampling.span if self.sampling.padding == 'loop' else 1
        shown = self.sampling.used(indices) | (indices < again)
        seen = iter(self.view(chunk if shown.all() else chunk[shown]) if shown.any() else ())
        frames = [next(seen) if one else None for one in shown]
        self._start += frames[: max(0, again - len(self._start))]
        self._frames.extend(frames)
        self._last = chunk[-1:]
        self.num_frames += len(chunk)

    def _snippet(self, index: int) -> np.ndarray:
        wanted = self.sampling.frames(index, self.num_frames).tolist()
        frames = {i: self._frame(i) for i in set(wanted)}
        return np.stack([frames[i] for i in wanted], axis=1)

    def _frame(self, index: int) -> np.ndarray:
        if index == OUTSIDE:
            return np.zeros_like(self.view(self._last)[0])
        held, first = (self._frames, self._first) if index >= self._first else (self._start, 0)
        frame = held[index - first] if index - first < len(held) else None
        # padding shows the last frame, also where the sampling would pass it by
        return self.view(self._last)[0] if frame is None else frame
