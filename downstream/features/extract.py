"""From videos to a feature store: decoding and encoding at the same time, batches across videos."""

import errno
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from queue import Full, Queue
from typing import Any

import numpy as np
import torch
from torch import Tensor

from albar_mm.utils.errors import BadVideoError, DatasetError, WriteError
from albar_mm.utils.identity import file_identity, library_versions
from albar_mm.utils.numbers import one_of
from albar_mm.utils.parallel import one_opencv_thread

from .encoder import FrozenEncoder
from .sampling import Sampling, Windows
from .store import FeatureStore, SnippetWriter
from .time_grid import TimeGrid
from .videos import FrameClock, Video, VideoReader

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


@dataclass
class Extracted:
    """What :func:`extract_features` did.

    Attributes:
        done: Videos whose features were made.
        kept: Videos that were in the store before.
        failed: Rows of ``failed.jsonl``.
        frames: Frames that were decoded.
        snippets: Snippets that were encoded.
        seconds: Time that it took.
    """

    done: int = 0
    kept: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)
    frames: int = 0
    snippets: int = 0
    seconds: float = 0.0


def store_settings(
    encoder: FrozenEncoder,
    sampling: Sampling,
    reader: type[VideoReader],
    checkpoint: str | None = None,
    dtype: str = 'float32',
) -> dict[str, Any]:
    """All that features depend on, for ``store.json``.

    Args:
        encoder: The encoder.
        sampling: The snippets.
        reader: The video reader.
        checkpoint: File or address of the weights, for people to read; their hash is what counts.
        dtype: ``'float32'`` or ``'float16'``.

    Raises:
        DatasetError: Another ``dtype``.
    """
    one_of(dtype, ('float32', 'float16'), 'dtype', DatasetError)
    weights = None
    if checkpoint is not None:
        remote = '://' in checkpoint
        weights = dict(file=checkpoint) if remote else file_identity(checkpoint)
    return dict(
        encoder=encoder.identity(),
        sampling=sampling.settings(),
        view=encoder.view.steps,
        dtype=dtype,
        decoder=reader.name,
        decoder_version=reader.version(),
        made_with=dict(
            checkpoint=weights,
            versions=library_versions(),
        ),
    )


def extract_features(
    encoder: FrozenEncoder,
    sampling: Sampling,
    videos: Sequence[Video],
    store: FeatureStore,
    reader: type[VideoReader],
    *,
    on_bad: str = 'fail',
    batch_size: int = 8,
    workers: int = 1,
    notice: Notice | None = None,
) -> Extracted:
    """Make the features of all videos that are not in the store yet.

    Threads decode, each a video at a time, resize every frame once and cut it into snippets, while
    this thread encodes batches of them, whatever video they are of. A video appears in the store
    when its last snippet is encoded; what an interruption loses is the videos under way.

    Args:
        encoder: The encoder.
        sampling: Which frames a snippet is made of.
        videos: The videos.
        store: Where features go, made with :func:`store_settings`.
        reader: The video reader.
        on_bad: With a video that cannot be read: ``'fail'`` stops the work; ``'skip'`` goes on and
            notes it in ``failed.jsonl``.
        batch_size: Snippets that are encoded at once.
        workers: Videos that are decoded at once.
        notice: Told of progress; called from several threads.

    Returns:
        What was done.

    Raises:
        BadVideoError: A video cannot be read, with ``on_bad='fail'``.
        DatasetError: Features are not finite, or the store cannot be written.
    """
    one_of(on_bad, ('fail', 'skip'), 'on_bad', DatasetError)
    started = time.monotonic()
    todo = [video for video in videos if video.fault or video.video_id not in store]
    done = {video.video_id for video in videos} - {video.video_id for video in todo}
    for name in sorted(done):
        store.info(name)
    store.failed()  # what is broken is told of now, not at the end
    result = Extracted(kept=len(videos) - len(todo))
    writers: dict[str, SnippetWriter] = {}
    items = decode_snippets(todo, reader, sampling, encoder, workers, 2 * batch_size, notice)
    try:
        with closing(items):
            for item, rows in _encoded(encoder, items, batch_size):
                video = item.video
                if isinstance(item, Snippet):
                    if video.video_id not in writers:
                        writers[video.video_id] = store.writer(video.video_id)
                    if not np.isfinite(rows).all():
                        raise DatasetError(
                            f'video {video.path}: its features are not finite: check the '
                            'checkpoint, and leave out half precision'
                        )
                    writers[video.video_id].append(rows if len(rows) == 1 else rows[None])
                    result.snippets += 1
                    continue
                result.frames += item.decoded
                error = item.error or _finish(writers.pop(video.video_id), item)
                if error is None:
                    result.done += 1
                elif on_bad == 'fail' or not isinstance(error, BadVideoError):
                    raise error
                else:
                    if video.video_id in writers:
                        writers.pop(video.video_id).abort()
                    result.failed.append(
                        dict(video=video.video_id, path=str(video.path), reason=error.reason)
                    )
    finally:
        for writer in writers.values():
            writer.abort()
        if on_bad == 'skip' or result.failed:
            store.note_failed(result.failed, [video.video_id for video in todo])
    result.seconds = time.monotonic() - started
    return result


def _finish(writer: SnippetWriter, item: Ended) -> BadVideoError | None:
    """Make a video visible, or say why this disk has no room for a file of its name."""
    try:
        with writer:
            writer.finish(item.grid, item.source)
    except WriteError as error:
        if error.errno not in (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL):
            raise
        return BadVideoError.of(str(item.video.path), str(error))
    return None


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
            if video.fault:
                raise BadVideoError.of(str(video.path), video.fault)
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


def _encoded(
    encoder: FrozenEncoder, items: Iterator[Snippet | Ended], batch_size: int
) -> Iterator[tuple[Snippet | Ended, np.ndarray | None]]:
    """Items in their order, snippets with their features; ends wait for the snippets before."""
    under_way: deque[tuple[list[Snippet | Ended], Tensor | None]] = deque()
    batch, count, end = [], 0, object()
    for item in chain(items, [end]):
        if item is not end:
            batch.append(item)
            count += isinstance(item, Snippet)
        if item is end or count == batch_size:
            under_way.append((batch, _launch(encoder, batch, batch_size)))
            batch, count = [], 0
        # a device works on one batch while the next is put together
        while len(under_way) > (item is not end and encoder.device.type != 'cpu'):
            done, features = under_way.popleft()
            rows = iter(() if features is None else features.cpu().numpy())
            yield from ((each, next(rows) if isinstance(each, Snippet) else None) for each in done)


def _launch(
    encoder: FrozenEncoder, items: Sequence[Snippet | Ended], batch_size: int
) -> Tensor | None:
    snippets = [item for item in items if isinstance(item, Snippet)]
    if not snippets:
        return None
    clips = [snippet.clips for snippet in snippets]
    # rounding depends on the size of a batch, and what comes last on earlier interruptions
    batch = torch.from_numpy(np.stack([*clips, *clips[-1:] * (batch_size - len(clips))]))
    del clips
    for snippet in snippets:
        snippet.clips = None  # the memory is needed for the next batch
    return encoder.encode(batch.pin_memory() if encoder.device.type == 'cuda' else batch)
