"""The training videos of a reference network, and their frames (used by ``frame_bank`` only)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmaction.datasets import VideoDataset
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import Compose
from torch.utils.data import IterableDataset, get_worker_info

from ...utils.errors import BadVideoError, DatasetError
from ...utils.video_ids import listed_path
from ...video.source_video import decode_frames, frames_in_order

CHUNK = 64
"""Frames that are decoded at once: what bounds the memory."""
_ONE_FRAME = dict(
    num_clips=1,
    clip_len=1,
    frame_interval=1,
    frame_inds=np.zeros(1, int),
    total_frames=1,
    start_index=0,
    modality='RGB',
    label=0,
    filename='',
)


@dataclass(frozen=True)
class TrainingVideo:
    """One line of the annotation file.

    Attributes:
        name: Path as in the annotation file.
        path: The video file.
        label: Class index.
    """

    name: str
    path: str
    label: int


def dataset_of(cfg: Config, loader: str) -> Mapping[str, Any]:
    """The innermost dataset of a loader, within ``RepeatDataset`` and the like; {} without one."""
    node = (cfg.get(loader) or {}).get('dataset') or {}
    while isinstance(node.get('dataset'), Mapping):
        node = node['dataset']
    return node


def training_videos(cfg: Config, num_classes: int) -> tuple[list[TrainingVideo], Path]:
    """The videos that a config trains on; one that is listed twice counts once.

    Args:
        cfg: A config whose ``train_dataloader`` reads videos.
        num_classes: Labels must be below.

    Returns:
        The videos in the order of the annotation file, and that file.

    Raises:
        DatasetError: There is no such dataset or file, or a line of it cannot be used.
    """
    node = dataset_of(cfg, 'train_dataloader')
    kind = DATASETS.get(node.get('type', '')) if isinstance(node.get('type'), str) else None
    if kind is None or not issubclass(kind, VideoDataset) or node.get('multi_class'):
        raise DatasetError(
            f'train_dataloader.dataset of {cfg.filename} is a {node.get("type")}: expected a '
            'VideoDataset or RobustVideoDataset of videos with one label each'
        )
    dataset = DATASETS.build(
        dict(node, pipeline=[], lazy_init=True, test_mode=False, num_classes=num_classes)
    )
    ann_file = Path(dataset.ann_file)
    if not ann_file.is_file():
        raise DatasetError(
            f'annotation file {ann_file}: no such file; point to yours with '
            '--cfg-options train_dataloader.dataset.ann_file=<path>'
        )
    dataset.full_init()
    prefix = dataset.data_prefix.get('video')
    videos: dict[str, TrainingVideo] = {}
    for info in (dataset.get_data_info(index) for index in range(len(dataset))):
        path, label = str(info['filename']), info['label']
        name = listed_path(path, prefix)
        if not 0 <= label < num_classes:
            raise DatasetError(
                f'annotation file {ann_file}, video {name}: expected a label in '
                f'[0, {num_classes}), got {label}'
            )
        if videos.setdefault(name, TrainingVideo(name, path, label)).label != label:
            raise DatasetError(
                f'annotation file {ann_file}: video {name} has two labels, '
                f'{videos[name].label} and {label}; keep one'
            )
    if not videos:
        raise DatasetError(f'annotation file {ann_file} names no video')
    return list(videos.values()), ann_file


def read_chunks(path: str, every: int = 1, size: int = CHUNK) -> Iterator[list[np.ndarray]]:
    """Decode every so-manieth frame of a video, a few at a time, from the first to the last.

    They are those of :func:`~albar_mm.video.source_video.read_frames`, so that frame numbers mean
    the same everywhere.

    Args:
        path: The video file.
        every: 1 decodes all frames, 20 the frames 0, 20, 40, ...
        size: Number of frames that are yielded at once, at most.

    Yields:
        Pictures, uint8 RGB of shape (H, W, 3).

    Raises:
        BadVideoError: It cannot be read; names the file.
    """
    taken = map(np.ascontiguousarray, islice(frames_in_order(path)[1], 0, None, every))
    while chunk := list(islice(taken, size)):
        yield chunk


@dataclass(frozen=True)
class FrameChunk:
    """Some frames of one video, ready for the network.

    Attributes:
        video: Position of the video.
        inputs: uint8 (n, V, C, H, W), or (n, V, C, 1, H, W) for 3D recognisers; None at the end.
        error: Why the video cannot be read, '' if it can.
    """

    video: int
    inputs: torch.Tensor | None = None
    error: str = ''


class FrameChunks(IterableDataset):
    """Yields the frames of videos chunk by chunk, and for each video at last one without frames.

    Args:
        videos: The videos.
        every: As for :func:`read_chunks`.
        steps: Steps of a pipeline that take the frames from there to the network's input.
    """

    def __init__(
        self, videos: Sequence[TrainingVideo], every: int, steps: Sequence[Mapping[str, Any]]
    ) -> None:
        super().__init__()
        self._videos, self._every, self._pipeline = videos, every, Compose(steps)

    def __iter__(self) -> Iterator[FrameChunk]:
        worker = get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for index in range(first, len(self._videos), step):
            try:
                for frames in read_chunks(self._videos[index].path, self._every):
                    yield FrameChunk(index, torch.stack([self._input(one) for one in frames]))
            except BadVideoError as error:
                yield FrameChunk(index, error=error.reason or str(error))
            else:
                yield FrameChunk(index)

    def _input(self, frame: np.ndarray) -> torch.Tensor:
        shape = frame.shape[:2]
        one = dict(_ONE_FRAME, imgs=[frame], img_shape=shape, original_shape=shape)
        return self._pipeline(one)['inputs']


def read_resized(task: tuple[str, tuple[int, ...], int]) -> np.ndarray | BadVideoError:
    """Read some frames of a video and resize them plainly, ignoring the aspect (bilinear).

    Args:
        task: Path of the video, frame numbers (ascending, distinct), and the side in px.

    Returns:
        uint8 RGB, shape (n, side, side, 3); the error where the video cannot be read.

    Raises:
        DatasetError: The video ends before one of the frames.
    """
    path, numbers, side = task
    try:
        found, total = decode_frames(Path(path), numbers)
    except BadVideoError as error:
        return error
    missing = [number for number in numbers if number not in found]
    if missing:
        raise DatasetError(
            f'video {path}: frame {missing[0]} was scored, but it ends after frame '
            f'{total - 1}; the scores belong to another file of it'
        )
    return np.stack([cv2.resize(found[number], (side, side)) for number in numbers])
