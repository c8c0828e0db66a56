"""Pictures of scores over time: curves against the truth, and a video with its curve."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from albar_mm.utils.files import save_figure

from .detect import ScoredVideo

_COLOURS = ('#9aa5b1', '#1f77b4', '#2ca02c', '#9467bd')
_TRUTH = '#d62728'


def score_curves(
    path: str | os.PathLike,
    rows: Sequence[Mapping[str, ScoredVideo]],
    truths: Sequence[np.ndarray | None],
    title: str = '',
) -> Path:
    """Draw the scores of videos, a panel for each, anomalous stretches shaded.

    Args:
        path: PNG or PDF file to write.
        rows: For each video the scores of one or several detectors, by their names.
        truths: For each video which of its frames are anomalous, bool of shape (N,), or None.
        title: Heading.

    Returns:
        The file.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.1 + 1.5 * len(rows)), layout='constrained')
    axes = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for axis, row, truth in zip(axes, rows, truths, strict=True):
        # grey is for what others are compared with
        colours = _COLOURS if len(row) > 1 else _COLOURS[1:]
        for (name, video), colour in zip(row.items(), colours, strict=False):
            axis.step(
                video.seconds(),
                video.of_frames(),
                where='post',
                color=colour,
                label=name,
                linewidth=1.6,
            )
        video = next(iter(row.values()))
        if truth is not None:
            axis.fill_between(
                video.seconds(),
                0,
                1,
                where=truth,
                step='post',
                color=_TRUTH,
                alpha=0.18,
                linewidth=0,
                label='anomalous',
            )
        axis.set_title(video.name, fontsize=9, loc='left')
        axis.set_xlim(0, video.grid.duration_s)
        axis.set_ylim(-0.03, 1.03)
        axis.set_ylabel('score', fontsize=8)
        axis.tick_params(labelsize=8)
        for side in ('top', 'right'):
            axis.spines[side].set_visible(False)
    axes[-1].set_xlabel('seconds', fontsize=8)
    handles: dict = {}
    for axis in axes:
        handles.update(
            (label, handle) for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
        )
    figure.legend(
        handles.values(),
        handles.keys(),
        loc='outside lower center',
        ncols=5,
        fontsize=8,
        frameon=False,
    )
    if title:
        figure.suptitle(title, fontsize=10)
    return save_figure(figure, Path(path))


class CurveUnderVideo:
    """Draws frames of a video with its score below: the curve so far, and where it stands now.

    Args:
        video: The scores.
        width: Of the frames, in px.
        threshold: From which the frame has a red border.
        height: Of the strip below, in px.
    """

    def __init__(
        self, video: ScoredVideo, width: int, threshold: float = 0.5, height: int = 64
    ) -> None:
        self.scores, self.threshold = video.of_frames(), threshold
        self.width, self.height = width, height
        columns = np.arange(len(self.scores)) * (width - 1) / max(1, len(self.scores) - 1)
        rows = (1 - self.scores) * (height - 9) + 4
        self._points = np.stack([columns, rows], 1).round().astype(np.int32)
        self._strip = np.full((height, width, 3), 255, np.uint8)
        cv2.polylines(self._strip, [self._points], False, (200, 200, 200), 1, cv2.LINE_AA)
        line = round((1 - threshold) * (height - 9) + 4)
        cv2.line(self._strip, (0, line), (width, line), (190, 190, 240), 1)

    def __call__(self, frame: np.ndarray, index: int) -> np.ndarray:
        """One frame with its strip.

        Args:
            frame: uint8 BGR, (H, width, 3).
            index: Its number.

        Returns:
            uint8 BGR, (H + height, width, 3).
        """
        index = min(index, len(self.scores) - 1)
        frame, strip = frame.copy(), self._strip.copy()
        alarm = self.scores[index] >= self.threshold
        colour = (40, 40, 214) if alarm else (180, 119, 31)
        if alarm:
            cv2.rectangle(frame, (0, 0), (frame.shape[1] - 1, frame.shape[0] - 1), colour, 3)
        cv2.polylines(strip, [self._points[: index + 1]], False, colour, 2, cv2.LINE_AA)
        cv2.circle(strip, tuple(self._points[index].tolist()), 3, colour, -1, cv2.LINE_AA)
        cv2.putText(
            frame,
            f'{self.scores[index]:.2f}',
            (5, 16),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.5,
            (255, 255, 255),
            3,
            cv2.LINE_AA,
        )
        cv2.putText(
            frame,
            f'{self.scores[index]:.2f}',
            (5, 16),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.5,
            colour,
            1,
            cv2.LINE_AA,
        )
        return np.concatenate([frame, strip])
