"""Pictures of scores over time: curves against the truth, and a video with its curve."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import whole_file
from albar_mm.video.shown import shown

from ..detection.runs import draw_panels
from ..features.time_grid import TimeGrid
from ..features.videos import FrameClock, VideoReader

_COLOURS = ('#9aa5b1', '#1f77b4', '#2ca02c', '#9467bd')
_TRUTH = '#d62728'
_STRIP = 64  # height below a video, in px


@dataclass(frozen=True)
class ScoredVideo:
    """Scores of a video.

    Attributes:
        name: The video.
        grid: Its time grid.
        scores: Of the snippets, in [0, 1], shape (T,).
    """

    name: str
    grid: TimeGrid
    scores: np.ndarray

    def of_frames(self) -> np.ndarray:
        """Scores of all frames, shape (N,)."""
        return self.scores[self.grid.snippet_of_frame()]

    def seconds(self) -> np.ndarray:
        """When each frame begins, shape (N,)."""
        return self.grid.frame_to_second(np.arange(self.grid.num_frames))


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
    """

    def draw(axis: Any, index: int) -> dict[str, Any]:
        row, truth = rows[index], truths[index]
        # grey is for what others are compared with
        colours = _COLOURS if len(row) > 1 else _COLOURS[1:]
        style = dict(where='post', linewidth=1.6)
        for (name, video), colour in zip(row.items(), colours, strict=False):
            axis.step(video.seconds(), video.of_frames(), color=colour, label=name, **style)
        if truth is not None:
            style = dict(step='post', color=_TRUTH, alpha=0.18, linewidth=0, label='anomalous')
            axis.fill_between(videos[index].seconds(), 0, 1, where=truth, **style)
        axis.set_ylim(-0.03, 1.03)
        axis.set_ylabel('score', fontsize=8)
        handles, labels = axis.get_legend_handles_labels()
        return dict(zip(labels, handles, strict=True))

    videos = [next(iter(row.values())) for row in rows]
    panels = [(video.name, video.grid.duration_s) for video in videos]
    return draw_panels(path, panels, 1.1 + 1.5 * len(rows), draw, title)


def curve_under_video(
    video: ScoredVideo, width: int, threshold: float = 0.5
) -> Callable[[np.ndarray, int], np.ndarray]:
    """Draw frames of a video with its score below: the curve so far, and where it stands now.

    Args:
        video: The scores.
        width: Of the frames, in px.
        threshold: From which the frame has a red border.

    Returns:
        A frame, uint8 BGR (H, width, 3), and its number -> uint8 BGR, (H + 64, width, 3).
    """
    scores, seconds = video.of_frames(), video.seconds()
    columns = seconds * (width - 1) / (seconds[-1] or 1)
    rows = (1 - scores) * (_STRIP - 9) + 4
    points = np.stack([columns, rows], 1).round().astype(np.int32)
    empty = np.full((_STRIP, width, 3), 255, np.uint8)
    cv2.polylines(empty, [points], False, (200, 200, 200), 1, cv2.LINE_AA)
    line = round((1 - threshold) * (_STRIP - 9) + 4)
    cv2.line(empty, (0, line), (width, line), (190, 190, 240), 1)

    def draw(frame: np.ndarray, index: int) -> np.ndarray:
        index = min(index, len(scores) - 1)
        frame, strip = frame.copy(), empty.copy()
        alarm = scores[index] >= threshold
        colour = (40, 40, 214) if alarm else (180, 119, 31)
        if alarm:
            cv2.rectangle(frame, (0, 0), (frame.shape[1] - 1, frame.shape[0] - 1), colour, 3)
        cv2.polylines(strip, [points[: index + 1]], False, colour, 2, cv2.LINE_AA)
        cv2.circle(strip, tuple(points[index].tolist()), 3, colour, -1, cv2.LINE_AA)
        text, font = f'{scores[index]:.2f}', cv2.FONT_HERSHEY_SIMPLEX
        for ink, thickness in (((255, 255, 255), 3), (colour, 1)):  # a white rim for readability
            cv2.putText(frame, text, (5, 16), font, 0.5, ink, thickness, cv2.LINE_AA)
        return np.concatenate([frame, strip])

    return draw


def write_overlay(
    path: Path, video: Path, scored: ScoredVideo, reader: type[VideoReader], threshold: float = 0.5
) -> Path:
    """Write a video, at an even frame rate, with the score of what it shows and the curve.

    Args:
        path: .mp4 file to write, whole or not at all.
        video: The video.
        scored: Its scores.
        reader: Reads it.
        threshold: From which a frame is marked.

    Raises:
        DatasetError: It cannot be written.
    """
    writer, count, fps = None, 0, shown(video).fps or scored.grid.fps
    with whole_file(path) as part, reader(video) as opened:
        for chunk in FrameClock(opened, fps).chunks():
            for frame in chunk[..., ::-1]:
                if writer is None:
                    # codecs take even sides alone
                    height, width = (side // 2 * 2 for side in frame.shape[:2])
                    draw = curve_under_video(scored, width, threshold)
                    size, codec = (width, height + _STRIP), cv2.VideoWriter_fourcc(*'mp4v')
                    writer = cv2.VideoWriter(str(part), codec, fps, size)
                    if not writer.isOpened():
                        raise DatasetError(f'{path}: OpenCV cannot write .mp4 files here')
                inside = np.ascontiguousarray(frame[:height, :width])
                # scores may be of another frame rate than the file's, or of one that varies
                writer.write(draw(inside, int(scored.grid.second_to_frame((count + 0.5) / fps))))
                count += 1
        writer.release()
    return path
