"""Threads that decode videos and cut them into snippets (used by :mod:`.extract` only)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from queue import Full, Queue
from types import TracebackType
from typing import Any

import numpy as np

from albar_mm.utils.parallel import one_opencv_thread

from ._clock import FrameClock
from .encoder import FrozenEncoder
from .readers import VideoReader
from .sampling import Sampling
from .time_grid import TimeGrid
from .videos import Video
from .windows import Windows

_PATIENCE = 0.1  # seconds after which a thread that waits looks whether the work is over


@dataclass
class Snippet:
    """A snippet of a video.

    Attributes:
        video: The video.
        clips: As the encoder takes them, see :meth:`~.encoder.FrozenEncoder.formatted`.
    """

    video: Video
    clips: np.ndarray | None


@dataclass(frozen=True)
class Ended:
    """All snippets of a video were given, or it cannot be read.

    Attributes:
        video: The video.
        decoded: Frames that were decoded.
        grid: Its time grid.
        source: What the file was.
        error: Why it cannot be read.
    """

    video: Video
    decoded: int
    grid: TimeGrid | None = None
    source: Mapping[str, Any] | None = None
    error: Exception | None = None


class Decoding:
    """Iterates over the snippets of several videos, and over their ends; a context manager.

    Snippets of one video come in their order, those of several videos in any. Leaving it ends the
    threads.

    Args:
        videos: The videos.
        reader: The video reader.
        sampling: Which frames a snippet is made of.
        encoder: Says how frames are resized and laid out.
        workers: Threads.
        ahead: Snippets that wait at most.
        notice: See :data:`~.extract.Notice`.
    """

    def __init__(
        self,
        videos: Sequence[Video],
        reader: type[VideoReader],
        sampling: Sampling,
        encoder: FrozenEncoder,
        workers: int,
        ahead: int,
        notice: Callable[[Video, int, float], object] | None,
    ) -> None:
        self._videos = iter(list(videos))
        self._left = len(videos)
        self._reader, self._sampling, self._encoder = reader, sampling, encoder
        self._notice = notice or (lambda *_: None)
        self._queue: Queue[Snippet | Ended] = Queue(max(1, ahead))
        self._over = threading.Event()
        self._turn = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, name=f'decode-{number}', daemon=True)
            for number in range(max(1, min(workers, len(videos))))
        ]

    def __enter__(self) -> Decoding:
        self._opencv = one_opencv_thread()  # videos are decoded side by side
        self._opencv.__enter__()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._opencv.__exit__(None, None, None)

    def __iter__(self) -> Iterator[Snippet | Ended]:
        while self._left:
            item = self._queue.get()
            self._left -= isinstance(item, Ended)
            yield item

    def _work(self) -> None:
        while not self._over.is_set():
            with self._turn:
                video = next(self._videos, None)
            if video is None:
                return
            clock = None
            try:
                with self._reader(video.path) as reader:
                    clock = FrameClock(reader, self._sampling.fps)
                    windows = Windows(self._sampling, self._encoder.view)
                    for snippet in windows.cut(self._watched(clock, video)):
                        if not self._put(Snippet(video, self._encoder.formatted(snippet))):
                            return
                    ended = self._ended(video, reader, clock, windows)
            except Exception as error:  # noqa: BLE001  it is raised where the work is waited for
                ended = Ended(video, clock.decoded if clock else 0, error=error)
            if not self._put(ended):
                return

    def _watched(self, clock: FrameClock, video: Video) -> Iterator[np.ndarray]:
        seen = 0
        for chunk in clock.chunks():
            yield chunk
            new, seen = clock.decoded - seen, clock.decoded
            self._notice(video, new, new / max(clock.reader.announced, new))

    def _ended(
        self, video: Video, reader: VideoReader, clock: FrameClock, windows: Windows
    ) -> Ended:
        fps, times = clock.rate()
        source = dict(
            file=video.path.name,
            bytes=video.path.stat().st_size,
            decoded_frames=clock.decoded,
            announced_fps=reader.fps,
        )
        return Ended(
            video, clock.decoded, self._sampling.grid(windows.num_frames, fps, times), source
        )

    def _put(self, item: Snippet | Ended) -> bool:
        while not self._over.is_set():
            try:
                self._queue.put(item, timeout=_PATIENCE)
            except Full:
                continue
            return True
        return False
