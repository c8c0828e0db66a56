"""``tools/downstream.py features``: what it does with its arguments."""

import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.config import Config
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from albar_mm.engine.launch import load_config
from albar_mm.utils.config_types import type_name
from albar_mm.utils.errors import LaunchError, reason_of
from albar_mm.utils.numbers import one_of

from .encoder import FrozenEncoder, test_pipeline
from .extract import Notice, extract_features, store_settings
from .sampling import Sampling
from .store import FAILED_FILE, FeatureStore
from .videos import Video, choose_reader, find_videos

_NAMES = ('clip_len', 'frame_interval', 'stride', 'align', 'tail', 'padding', 'crops')
_TABLE = {
    'ucf-crime': (16, 1, 16, 'left', 'pad', 'repeat', 10),
    'ucf-crime-swin': (32, 2, 64, 'left', 'pad', 'repeat', 1),
    'thumos14': (16, 1, 4, 'left', 'drop', 'repeat', 1),
    'thumos14-swin': (32, 2, 4, 'centre', 'pad', 'repeat', 1),
}
PRESETS: dict[str, dict[str, Any]] = {
    name: dict(zip(_NAMES, values, strict=True)) for name, values in _TABLE.items()
}
"""Name -> settings.

- ``ucf-crime``: snippets of 16 frames that do not overlap, ten crops: C3D and I3D features of RTFM
  and MGFN, T = ceil(N / 16).
- ``ucf-crime-swin``: 32 frames at interval 2, one every 64: Swin-T, which was trained on such
  clips. The rule of TeD-SPAD, stride = frames * interval, carried over.
- ``thumos14``: 16 frames, one snippet every 4: what ActionFormer and TriDet read. Their files hold
  one snippet less, floor((N - 16) / 4).
- ``thumos14-swin``: 32 frames at interval 2, one every 4, centred, so that the 63 frames of a
  snippet do not cost coverage at the ends.
"""


def sampling_of(
    cfg: Config | None, preset: str | None = None, **given: Any
) -> tuple[Sampling, int | None]:
    """The snippets that are asked for.

    What neither ``given`` nor the preset says is taken from the config: the clip length and frame
    interval of the ``SampleFrames`` of its test pipeline. The stride has no default.

    Args:
        cfg: Config of the encoder; None: there is none to take anything from.
        preset: A key of :data:`PRESETS`.
        **given: Attributes of :class:`~.sampling.Sampling`, and ``crops``; None is not given.

    Returns:
        The snippets, and the number of crops (None: those of the test pipeline).

    Raises:
        LaunchError: An unknown preset, or settings that cannot be or are missing.
    """
    if preset is not None:
        one_of(preset, PRESETS, 'preset', LaunchError)
    values = _of_config(cfg) if cfg else {}
    values |= PRESETS.get(preset or '', {})
    values |= {key: value for key, value in given.items() if value is not None}
    crops = values.pop('crops', None)
    missing = [name for name in ('clip_len', 'frame_interval', 'stride') if name not in values]
    if missing:
        untold = f', nor by the test pipeline of {cfg.filename or "the config"}' if cfg else ''
        raise LaunchError(
            f'{", ".join(missing)}: not given{untold}: say how snippets are made, or '
            f'name a preset ({", ".join(PRESETS)})'
        )
    return Sampling(**values), crops


def _of_config(cfg: Config) -> dict[str, int]:
    for step in test_pipeline(cfg):
        if type_name(step).endswith('SampleFrames'):
            if step.get('clip_len', 1) > 1:
                return dict(clip_len=step['clip_len'], frame_interval=step.get('frame_interval', 1))
            # a 2D recogniser spreads its frames over a whole video: the interval is left to say
            return dict(clip_len=step.get('num_clips', 1))
    return {}


INCOMPLETE = 3


def run_features(
    config: str,
    checkpoint: str,
    videos: Sequence[str],
    out: str,
    *,
    preset: str | None = None,
    sampling: Mapping[str, Any] | None = None,
    root: str | None = None,
    ids: str = 'stem',
    decoder: str = 'auto',
    on_bad: str = 'fail',
    batch_size: int = 8,
    workers: int | None = None,
    device: str | None = None,
    dtype: str = 'float32',
    shard: str | None = None,
    **options: Any,
) -> int:
    """Extract features of videos into a store; print what was done.

    Args:
        config: Config of the recogniser.
        checkpoint: Its weights.
        videos: See :func:`~.videos.find_videos`.
        out: Folder of the store.
        preset: See :func:`sampling_of`.
        sampling: Settings over those of the preset.
        root: See :func:`~.videos.find_videos`.
        ids: See there.
        decoder: See :func:`~.videos.choose_reader`.
        on_bad: See :func:`~.extract.extract_features`.
        batch_size: See there.
        workers: Videos that are decoded at once; by default one on a processor, else four.
        device: Where the encoder runs; by default a GPU if there is one.
        dtype: ``'float32'`` or ``'float16'``.
        shard: ``'i/n'``, the i-th of n parts, from 0; by default that of the torchrun process.
        **options: ``level``, ``amp``, ``channels_last`` and ``compiled``, see
            :class:`~.encoder.FrozenEncoder`.

    Returns:
        0, or :data:`INCOMPLETE` when videos were left out.

    Raises:
        LaunchError: Something that was named does not fit.
        DatasetError: A video or the store cannot be used.
    """
    reader = choose_reader(decoder)
    index, count, device = _place(shard, device)
    found, others = find_videos(videos, root, ids)
    mine = found[index::count]
    cfg = load_config(config)
    snippets, crops = sampling_of(cfg, preset, **(sampling or {}))
    encoder = FrozenEncoder(cfg, checkpoint, crops=crops, device=device, **options)
    settings = store_settings(encoder, snippets, reader, checkpoint, dtype)
    store = FeatureStore.create(out, settings, encoder.model)
    part = f', shard {index} of {count}: {len(mine)}' if count > 1 else ''
    ignored = f'; {others} other files are no videos by their suffix' if others else ''
    print(
        f'{len(found)} videos{part}{ignored}; decoder {reader.name} {reader.version()}, encoder '
        f'on {device}',
        flush=True,
    )
    todo = [video for video in mine if video.video_id not in store]
    with video_progress(todo) as progress:
        done = extract_features(
            encoder,
            snippets,
            mine,
            store,
            reader,
            on_bad=on_bad,
            batch_size=batch_size,
            workers=workers or (1 if device == 'cpu' else 4),
            notice=progress,
        )
    rate = done.frames / done.seconds if done.seconds else 0
    print(
        f'{store.root}: {done.done} videos done, {done.kept} were there already; '
        f'{done.snippets} snippets of {done.frames} frames in {done.seconds:.1f} s '
        f'({rate:.0f} frames/s)',
        flush=True,
    )
    if not done.failed:
        return 0
    print(f'{len(done.failed)} videos cannot be read, all in {store.root / FAILED_FILE}:')
    rows = [f'  {row["path"]}: {row["reason"]}' for row in done.failed[:5]]
    print(*rows, sep='\n', flush=True)
    return INCOMPLETE


def _place(shard: str | None, device: str | None) -> tuple[int, int, str]:
    """Shard of this process, and its device."""
    index, count = (int(os.environ.get(name, 0)) for name in ('RANK', 'WORLD_SIZE'))
    if shard is not None:
        if count > 1:
            raise LaunchError('--shard and torchrun both share out the videos: use one of them')
        found = re.fullmatch(r'(\d+)/(\d+)', shard)
        if found is None:
            raise LaunchError(f'--shard {shard}: expected i/n, e.g. 0/4')
        index, count = map(int, found.groups())
        if index >= count:
            raise LaunchError(f'--shard {shard}: expected 0/{count} to {count - 1}/{count}')
    if device is None:
        device = 'cpu'
        if torch.cuda.is_available():
            device = f'cuda:{int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count()}'
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise LaunchError(f'--device {device}: {reason_of(error)}') from error
    return index, max(1, count), device


@contextmanager
def video_progress(videos: Sequence[Video]) -> Iterator[Notice]:
    """Show how far the decoding is, frames a second and the time left.

    It goes by bytes of video, which are known before any of them is opened.

    Args:
        videos: The videos to do.

    Yields:
        What takes note of decoded frames.
    """
    sizes = {
        video.video_id: video.path.stat().st_size if video.path.is_file() else 0 for video in videos
    }
    lock, decoded = threading.Lock(), 0
    columns = (
        TextColumn('{task.description}'),
        BarColumn(),
        TextColumn('{task.percentage:>5.1f} %'),
        TextColumn('{task.fields[rate]}'),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task(f'{len(sizes)} videos', rate='', total=sum(sizes.values()))

        def note(video: Video, frames: int, part: float) -> None:
            nonlocal decoded
            with lock:
                decoded += frames
                elapsed = progress.tasks[0].elapsed
                rate = f'{decoded / elapsed:.0f} frames/s' if elapsed else ''
                progress.update(task, advance=part * sizes.get(video.video_id, 0), rate=rate)

        yield note
