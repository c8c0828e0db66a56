"""Scoring the frames of videos with a reference network, a trained 2D recogniser."""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.utils import ProgressBar
from torch import Tensor
from torch.utils.data import DataLoader

from ...engine.checkpoints.source import load_weights
from ...utils.config_types import type_name
from ...utils.errors import DatasetError, reason_of
from ...utils.identity import weights_sha256
from ...utils.numbers import number, one_of
from ...utils.parallel import PROCESSES, prepare_worker
from ...utils.text import name_some
from ...video.source_video import decoder_name
from .videos import MEASURES, FrameChunks, ScoresFile, TrainingVideo, VideoScores, dataset_of

GIVE_UP = 8
"""If the first so many videos are all unreadable, the folder or the decoder is wrong."""


@dataclass(frozen=True)
class FrameBankOptions:
    """How a bank is made. The defaults are StillMix's (its HMDB51 setting).

    Attributes:
        window: Which frames are kept, as shares of all, sorted by ascending probability: (0.1, 1.0)
            leaves out the tenth in which the network is least sure.
        size: Number of frames that are drawn of those.
        measure: ``'top1'`` sorts by the largest probability, ``'gt'`` by the label's.
        every: Every so-manieth frame is scored (StillMix: 1; 20 for Kinetics-400).
        frame_size: Side of the frames in the bank, px.
        seed: Seed of the draw.
        skip_unreadable: Leave out videos that cannot be read, in place of stopping.
        workers: Processes that read videos; 0 reads in this one.
        device: Where the network runs; default: a GPU if there is one.
    """

    window: tuple[float, float] = (0.1, 1.0)
    size: int = 1024
    measure: str = 'top1'
    every: int = 1
    frame_size: int = 224
    seed: int = 0
    skip_unreadable: bool = False
    workers: int = 2
    device: str | None = None

    def __post_init__(self) -> None:
        if len(self.window) != 2:
            raise DatasetError(f'--window {self.window}: expected two shares')
        low, high = (number(share, '--window', 0, 1) for share in self.window)
        if low >= high:
            raise DatasetError(f'--window {low:g} {high:g}: expected 0 <= first < second <= 1')
        one_of(self.measure, MEASURES, '--measure', DatasetError)
        for name, least in dict(size=1, every=1, frame_size=1, seed=0, workers=0).items():
            given = getattr(self, name)
            given = given if isinstance(given, int) else repr(given)
            number(given, f'--{name.replace("_", "-")}', least, whole=True)


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
    parts: dict[int, list[Tensor]] = defaultdict(list)
    # read ahead by worker processes
    chunks = DataLoader(
        FrameChunks(waiting, every, steps),
        batch_size=None,
        num_workers=options.workers,
        worker_init_fn=prepare_worker if options.workers else None,
        multiprocessing_context=PROCESSES if options.workers else None,
    )
    for index, inputs, error in chunks:
        video = waiting[index]
        if inputs is not None:
            scored = network.probabilities(inputs).clamp(0, 1)
            parts[index].append(torch.stack([scored[:, video.label], scored.amax(1)]))
            continue
        if error:
            bad[video.name] = error
            if not done and len(bad) == GIVE_UP:
                raise DatasetError(
                    f'none of the first {GIVE_UP} videos can be read, the last being '
                    f'{video.path} ({bad[video.name]}): check '
                    'train_dataloader.dataset.data_prefix'
                )
        else:
            file.add(video, *torch.cat(parts.pop(index), 1).numpy())
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


def number_of_classes(cfg: Config) -> int:
    """``num_classes`` of a config's head.

    Raises:
        DatasetError: It names none.
    """
    head = (cfg.get('model') or {}).get('cls_head') or {}
    return number(
        head.get('num_classes'), f'{cfg.filename}: model.cls_head.num_classes', 2, whole=True
    )


def scoring_steps(cfg: Config) -> list[dict[str, Any]]:
    """What happens to a frame before it is scored: what validation does after decoding, or testing
    where nothing validates.

    Args:
        cfg: The config; its training must see one frame at a time.

    Raises:
        DatasetError: There is no such pipeline, or the network takes clips.
    """
    shown = 'val_dataloader' if cfg.get('val_dataloader') else 'test_dataloader'
    train, val = (
        [dict(step) for step in dataset_of(cfg, loader).get('pipeline') or []]
        for loader in ('train_dataloader', shown)
    )
    lengths = [step['clip_len'] for step in train if 'clip_len' in step]
    if lengths and lengths != [1]:
        raise DatasetError(
            f'{cfg.filename} trains on clips of {lengths[0]} frames: a reference '
            'network sees single ones, see configs/stillmix/reference'
        )
    decoding = [i for i, step in enumerate(val) if type_name(step).endswith('Decode')]
    if not decoding:
        raise DatasetError(
            f'{cfg.filename}: the pipeline of {shown}, by which frames are '
            'scored, has no decoding step such as DecordDecode'
        )
    return val[decoding[-1] + 1 :]


class ReferenceNetwork:
    """A trained network for frames.

    Args:
        cfg: The config that it was trained with.
        checkpoint: Its weights; only data is read of the file.
        device: Where it runs.

    Attributes:
        weights: SHA-256 of the weights, see :func:`weights_sha256`.

    Raises:
        LaunchError: There is no such file, or the weights are those of another network.
        CheckpointError: The file is damaged, or asks to run something.
    """

    def __init__(self, cfg: Config, checkpoint: str | Path, device: torch.device) -> None:
        model = MODELS.build(cfg.model)
        load_weights(model, checkpoint, str(cfg.filename))
        self._model, self._where = model.to(device).eval(), f'checkpoint {checkpoint}'
        self.weights = weights_sha256(model)

    @torch.inference_mode()
    def probabilities(self, inputs: Tensor) -> Tensor:
        """Score frames.

        Args:
            inputs: uint8 (n, V, C, H, W), or (n, V, C, 1, H, W) for 3D recognisers; V views (crops)
                of a frame are averaged.

        Returns:
            Tensor: float32 (n, K) on the CPU, softmax at temperature 1.

        Raises:
            DatasetError: The network gives no numbers.
        """
        batch = self._model.data_preprocessor(dict(inputs=list(inputs), data_samples=[]))
        logits = self._model(batch['inputs'], mode='tensor', stage='head')
        logits = logits.reshape(len(inputs), -1, logits.shape[-1])
        found = logits.float().softmax(-1).mean(1).cpu()
        if not found.isfinite().all():
            raise DatasetError(f'{self._where} gives NaN; train again with a lower learning rate')
        return found
