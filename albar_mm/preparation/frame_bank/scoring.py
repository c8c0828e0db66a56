"""Scoring the frames of videos with a reference network (for ``frame_bank`` only)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from mmengine.config import Config
from mmengine.utils import ProgressBar
from torch import Tensor
from torch.utils.data import DataLoader

from ...utils.errors import DatasetError, reason_of
from ...utils.parallel import prepare_worker
from ...utils.text import name_some
from ...video.source_video import decoder_name
from .network import ReferenceNetwork, scoring_steps
from .scores import ScoresFile, VideoScores
from .videos import FrameChunks, TrainingVideo

if TYPE_CHECKING:
    from .build import FrameBankOptions

GIVE_UP = 8
"""If the first so many videos are all unreadable, the folder or the decoder is wrong."""


def score_videos(
    cfg: Config,
    checkpoint: str | os.PathLike,
    videos: Sequence[TrainingVideo],
    path: Path,
    options: FrameBankOptions,
) -> tuple[list[VideoScores], list[str], dict[str, Any]]:
    """Score the frames of videos, except of those that a scores file has already.

    Args:
        cfg: Config of the network.
        checkpoint: Its weights.
        videos: The videos.
        path: The scores file, written video by video.
        options: Of them ``every``, ``workers``, ``device`` and ``skip_unreadable``.

    Returns:
        Scores in the order of the videos, names of unreadable videos, and what the scores depend
        on.

    Raises:
        DatasetError: See :func:`albar_mm.preparation.frame_bank.build.build_frame_bank`.
    """
    steps, every = scoring_steps(cfg), options.every
    network = ReferenceNetwork(cfg, checkpoint, _device(options.device))
    # the weights do not tell how the input is normalised
    normalised = repr(sorted((cfg.model.get('data_preprocessor') or {}).items()))
    settings = dict(
        weights=network.weights,
        every=every,
        decoder=decoder_name(),
        input=[repr(sorted(step.items())) for step in steps],
        preprocessor=normalised,
    )
    bad: dict[str, str] = {}
    file = ScoresFile(path, settings, every)
    waiting = [video for video in videos if file.get(video) is None]
    done = len(videos) - len(waiting)
    progress = ProgressBar(len(videos))
    progress.completed = done
    parts: dict[int, list[Tensor]] = {}
    # read ahead by worker processes
    chunks = DataLoader(
        FrameChunks(waiting, every, steps),
        batch_size=None,
        num_workers=options.workers,
        worker_init_fn=prepare_worker if options.workers else None,
    )
    for chunk in chunks:
        video = waiting[chunk.video]
        if chunk.inputs is not None:
            scored = network.probabilities(chunk.inputs).clamp(0, 1)
            both = torch.stack([scored[:, video.label], scored.amax(1)])
            parts.setdefault(chunk.video, []).append(both)
            continue
        whole = parts.pop(chunk.video, None)
        if chunk.error or whole is None:
            bad[video.name] = chunk.error or 'it holds no frames'
            if not done and len(bad) == GIVE_UP:
                raise DatasetError(
                    f'none of the first {GIVE_UP} videos can be read, the last being '
                    f'{video.path} ({bad[video.name]}): check '
                    'train_dataloader.dataset.data_prefix'
                )
        else:
            file.add(video, *torch.cat(whole, 1).numpy())
            done += 1
        progress.update()
    print(flush=True)
    found = [file.get(video) for video in videos if video.name not in bad]
    if bad and not options.skip_unreadable:
        raise DatasetError(
            f'{len(bad)} of {len(videos)} videos cannot be read: '
            + name_some(f'{name} ({why})' for name, why in bad.items())
            + '; restore them, or leave them out with --skip-unreadable (the others are scored)'
        )
    if not found:
        raise DatasetError(f'none of the {len(videos)} videos can be read: {name_some(bad)}')
    return found, list(bad), settings


def _device(name: str | None) -> torch.device:
    if name is None:
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        return torch.empty(1, device=name).device
    except (RuntimeError, AssertionError) as error:  # the latter without CUDA in PyTorch
        raise DatasetError(
            f'--device {name}: cannot be used: {reason_of(error)}; take cpu, or cuda on a machine '
            'with a GPU'
        ) from error
