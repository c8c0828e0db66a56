"""A progress bar over bytes of video, which are known before any of them is opened."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from .videos import Video


class VideoProgress(AbstractContextManager):
    """Shows how far the decoding is, frames a second and the time left; a context manager.

    Args:
        videos: The videos to do.
    """

    def __init__(self, videos: Sequence[Video]) -> None:
        self._bytes = {
            video.video_id: video.path.stat().st_size if video.path.is_file() else 0
            for video in videos
        }
        self._lock = threading.Lock()
        self._frames = 0
        self._progress = Progress(
            TextColumn('{task.description}'),
            BarColumn(),
            TextColumn('{task.percentage:>5.1f} %'),
            TextColumn('{task.fields[rate]}'),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            transient=True,
        )

    def __call__(self, video: Video, frames: int, part: float) -> None:
        """Take note of frames that were decoded.

        Args:
            video: Of which video.
            frames: How many.
            part: Which part of the video they are.
        """
        with self._lock:
            self._frames += frames
            task = self._progress.tasks[0]
            rate = f'{self._frames / task.elapsed:.0f} frames/s' if task.elapsed else ''
            self._progress.update(
                self._task, advance=part * self._bytes.get(video.video_id, 0), rate=rate
            )

    def __enter__(self) -> VideoProgress:
        self._progress.start()
        self._task = self._progress.add_task(
            f'{len(self._bytes)} videos', rate='', total=sum(self._bytes.values())
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
