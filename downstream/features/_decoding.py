"""Threads that decode videos and cut them into snippets (used by :mod:`.extract` only)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Full, Queue
from typing import Any

import numpy as np

from albar_mm.utils.parallel import one_opencv_thread

from .encoder import FrozenEncoder
from .readers import FrameClock, VideoReader
from .sampling import Sampling, Windows
from .time_grid import TimeGrid
from .videos import Video

Notice = Callable[[Video, int, float], object]
"""Called with a video, frames that were decoded since, and which part of it they are."""
_PATIENCE = 0.1  # seconds after which a thread that waits looks whether the work is over


@dataclass
class Snippet:
    """A snippet of a video, its clips as :meth:`.FrozenEncoder.formatted` lays them out."""

    video: Video
    clips: np.ndarray | None


@dataclass(frozen=True)
class Ended:
    """All snippets of a video were given, or it cannot be read (``error`` says why)."""

    video: Video
    decoded: int
    grid: TimeGrid | None = None
    source: Mapping[str, Any] | None = None
    error: Exception | None = None


def decode_snippets(
    videos: Sequence[Video],
    reader: type[VideoReader],
    sampling: Sampling,
    encoder: FrozenEncoder,
    workers: int,
    ahead: int,
    notice: Notice | None = None,
) -> Iterator[Snippet | Ended]:
    """Snippets of several videos, and their ends; to be closed, which ends the threads.

    Args:
        videos: The videos.
        reader: The video reader.
        sampling: Which frames a snippet is made of.
        encoder: Says how frames are resized and laid out.
        workers: Threads.
        ahead: Snippets that wait at most.
        notice: Told of progress, from the threads.

    Yields:
        Snippets of one video come in their order, those of several videos in any.
    """
    queue: Queue[Snippet | Ended] = Queue(max(1, ahead))
    over = threading.Event()

    def put(item: Snippet | Ended) -> None:
        while not over.is_set():
            try:
                return queue.put(item, timeout=_PATIENCE)
            except Full:
                continue

    def work(video: Video) -> None:
        clock = None
        try:
            with reader(video.path) as opened:
                clock = FrameClock(opened, sampling.fps)
                windows = Windows(sampling, encoder.view)
                for snippet in windows.cut(_watched(clock, video, notice)):
                    put(Snippet(video, encoder.formatted(snippet)))
                    if over.is_set():
                        return
                fps, times = clock.rate()
                source = dict(
                    file=video.path.name,
                    bytes=video.path.stat().st_size,
                    decoded_frames=clock.decoded,
                    announced_fps=opened.fps,
                )
                grid = sampling.grid(windows.num_frames, fps, times)
            ended = Ended(video, clock.decoded, grid, source)
        except Exception as error:  # noqa: BLE001  it is raised where the work is waited for
            ended = Ended(video, clock.decoded if clock else 0, error=error)
        put(ended)

    # videos are decoded side by side
    with one_opencv_thread(), ThreadPoolExecutor(max(1, min(workers, len(videos)))) as pool:
        try:
            for video in videos:
                pool.submit(work, video)
            left = len(videos)
            while left:
                item = queue.get()
                left -= isinstance(item, Ended)
                yield item
        finally:
            over.set()
            pool.shutdown(cancel_futures=True)


def _watched(clock: FrameClock, video: Video, notice: Notice | None) -> Iterator[np.ndarray]:
    seen = 0
    for chunk in clock.chunks():
        yield chunk
        new, seen = clock.decoded - seen, clock.decoded
        if notice is not None:
            notice(video, new, new / max(clock.reader.announced, new, 1))
