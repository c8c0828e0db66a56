"""The one place that knows how snippets, frames and seconds hang together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from albar_mm.utils.numbers import number

MOST_FRAMES = 10**8
"""Of a video: a month."""


@dataclass(frozen=True)
class TimeGrid:
    """Snippets of one video on its axis of frames and of seconds.

    Frame k lies at ``[k, k + 1)`` of the frame axis, and snippet i is centred at
    ``offset_frames + i * stride_frames`` there. Positions may be fractions: position g of the
    snippet axis is frame ``g * stride_frames + offset_frames``, which is ActionFormer's and
    TriDet's grid with ``offset_frames = 0.5 * num_frames``.

    Attributes:
        num_snippets: T, the length of the feature sequence.
        stride_frames: Frames from one snippet to the next.
        offset_frames: Centre of snippet 0 on the frame axis.
        num_frames: Frames of the video, N.
        fps: Frames a second. Of a video of variable frame rate it is the average.
        frame_times_s: Only of a video of variable frame rate: when its frames begin, in seconds,
            and when the last one ends; N + 1 values that grow. The time of a position between is
            interpolated.
    """

    num_snippets: int
    stride_frames: int
    offset_frames: float
    num_frames: int
    fps: float
    frame_times_s: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name in ('num_snippets', 'stride_frames', 'num_frames'):
            number(getattr(self, name), name, 1, MOST_FRAMES, whole=True, error=ValueError)
        number(self.fps, 'fps', above=0, error=ValueError)
        number(self.offset_frames, 'offset_frames', error=ValueError)
        times = self.frame_times_s
        if times is not None and len(times) != self.num_frames + 1:
            raise ValueError(
                f'frame_times_s has {len(times)} values; expected num_frames + 1 = '
                f'{self.num_frames + 1}'
            )
        if times is not None and not np.all(np.diff([*times, np.inf]) > 0):
            raise ValueError('frame_times_s must grow')

    @property
    def duration_s(self) -> float:
        """Length of the video in seconds."""
        return float(self.frame_to_second(self.num_frames))

    def snippet_to_frame(self, snippet: ArrayLike) -> np.ndarray:
        """Positions on the frame axis of some on the snippet axis, any shape.

        Those of whole numbers are the centres of snippets.
        """
        return np.asarray(snippet, float) * self.stride_frames + self.offset_frames

    def frame_to_snippet(self, frame: ArrayLike) -> np.ndarray:
        """Positions on the snippet axis, the inverse of :meth:`snippet_to_frame`."""
        return (np.asarray(frame, float) - self.offset_frames) / self.stride_frames

    def frame_to_second(self, frame: ArrayLike) -> np.ndarray:
        """Times in seconds of positions on the frame axis, any shape.

        Those of whole numbers are when that frame begins; beyond the video time goes on at ``fps``.
        """
        if self.frame_times_s is None:
            return np.asarray(frame, float) / self.fps
        return _along(frame, np.arange(self.num_frames + 1.0), self.frame_times_s, 1 / self.fps)

    def second_to_frame(self, second: ArrayLike) -> np.ndarray:
        """Positions on the frame axis of times in seconds, the inverse of
        :meth:`frame_to_second`.
        """
        if self.frame_times_s is None:
            return np.asarray(second, float) * self.fps
        return _along(second, self.frame_times_s, np.arange(self.num_frames + 1.0), self.fps)

    def second_to_snippet(self, second: ArrayLike) -> np.ndarray:
        """Positions on the snippet axis of times in seconds, as of where an action begins."""
        return self.frame_to_snippet(self.second_to_frame(second))

    def snippet_to_second(self, snippet: ArrayLike) -> np.ndarray:
        """Times in seconds of positions on the snippet axis, as of where an action begins."""
        return self.frame_to_second(self.snippet_to_frame(snippet))

    def snippet_of_frame(self) -> np.ndarray:
        """For each frame the snippet whose centre is nearest, int64, shape (N,).

        It spreads scores of snippets over frames: with windows that do not overlap
        (``stride_frames`` = window) every snippet is repeated ``stride_frames`` times. A frame in
        the middle of two goes to the earlier.
        """
        nearest = np.ceil(self.frame_to_snippet(np.arange(self.num_frames) + 0.5) - 0.5)
        return np.clip(nearest, 0, self.num_snippets - 1).astype(np.int64)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, read by :meth:`from_json`."""
        row = dict(
            fps=self.fps,
            frames=self.num_frames,
            duration_s=self.duration_s,
            snippets=self.num_snippets,
            stride_frames=self.stride_frames,
            offset_frames=self.offset_frames,
        )
        if self.frame_times_s is not None:
            row['frame_times_s'] = list(self.frame_times_s)
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> TimeGrid:
        """The grid that :meth:`to_json` wrote; further keys may be there.

        Raises:
            KeyError: A key is missing.
            ValueError: A value cannot be.
        """
        times = row.get('frame_times_s')
        return cls(
            int(row['snippets']),
            int(row['stride_frames']),
            float(row['offset_frames']),
            int(row['frames']),
            float(row['fps']),
            None if times is None else tuple(map(float, times)),
        )


def _along(x: ArrayLike, known: ArrayLike, values: ArrayLike, slope: float) -> np.ndarray:
    """Interpolate, and go on with a slope before the first and after the last known value."""
    x, known = np.asarray(x, float), np.asarray(known)
    inside = np.interp(x, known, values)
    return inside + np.minimum(x - known[0], 0) * slope + np.maximum(x - known[-1], 0) * slope
