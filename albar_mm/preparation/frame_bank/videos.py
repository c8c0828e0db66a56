"""The training videos of a reference network, their frames, and the scores of these: our resumable
file, and StillMix's published files (used by ``frame_bank`` only)."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

from ...annotations.video_lists import VideoNames
from ...utils.config_types import class_of, type_name
from ...utils.errors import BadVideoError, DatasetError, absence
from ...utils.files import check_output
from ...utils.journal import Journal
from ...utils.safe_pickle import load_restricted
from ...utils.text import name_some
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
    kind = class_of(node, DATASETS)
    if kind is None or not issubclass(kind, VideoDataset) or node.get('multi_class'):
        raise DatasetError(
            f'train_dataloader.dataset of {cfg.filename} is a {type_name(node) or None}: a '
            'VideoDataset or RobustVideoDataset of videos with one label each is needed'
        )
    dataset = DATASETS.build(
        dict(node, pipeline=[], lazy_init=True, test_mode=False, num_classes=num_classes)
    )
    ann_file = Path(dataset.ann_file)
    if why := absence(ann_file):
        raise DatasetError(
            f'annotation file {ann_file}: {why}; point to yours with '
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


class FrameChunks(IterableDataset):
    """Yields the frames of videos chunk by chunk, and for each video at last one without frames.

    A chunk is the position of its video; uint8 (n, V, C, H, W), or (n, V, C, 1, H, W) for 3D
    recognisers, None at the end; and why the video cannot be read, '' if it can.

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

    def __iter__(self) -> Iterator[tuple[int, torch.Tensor | None, str]]:
        worker = get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for index in range(first, len(self._videos), step):
            try:
                for frames in read_chunks(self._videos[index].path, self._every):
                    yield index, torch.stack([self._input(one) for one in frames]), ''
            except BadVideoError as error:
                yield index, None, error.reason or str(error)
            else:
                yield index, None, ''

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


MEASURES = ('top1', 'gt')
_FORMAT = 'albar_mm frame scores 1'
# 'wave/clip/frame000001.jpg' counts from 1 (files of extracted frames); 'wave/clip.mp4//0' from 0
_FILE = re.compile(r'(.+)/(?:frame|img)?_?(\d+)\.(?:jpg|jpeg|png)', re.IGNORECASE)
_POSITION = re.compile(r'(.+)//(\d+)')


@dataclass(frozen=True, eq=False)
class VideoScores:
    """What a reference network gave to frames of one video (softmax at temperature 1).

    Attributes:
        video: Path as in the annotation file.
        frames: int64 (n,), counted from 0, ascending.
        gt: float32 (n,): probability of the label.
        top1: float32 (n,): the largest probability.
    """

    video: str
    frames: np.ndarray
    gt: np.ndarray
    top1: np.ndarray


class ScoresFile:
    """JSON lines: settings, then one finished video a line. Opened again, it goes on.

    Args:
        path: The file; its folder is made if absent.
        settings: What the scores depend on, JSON-ready.
        every: Frames 0, every, 2 * every, ... are scored.

    Raises:
        DatasetError: The file was made with other settings, a line of it is broken, or it cannot
            be written.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], every: int) -> None:
        check_output(path)
        self._every, self._journal = every, Journal(path)
        self._found: dict[str, tuple[int, VideoScores]] = {}
        self._journal.begin(dict(format=_FORMAT, settings=settings), self._keep)

    def get(self, video: TrainingVideo) -> VideoScores | None:
        """Scores of a video that is finished, under the same label; else None."""
        label, scores = self._found.get(video.name, (None, None))
        return scores if label == video.label else None

    def add(self, video: TrainingVideo, gt: np.ndarray, top1: np.ndarray) -> None:
        """Write a finished video; ``gt`` and ``top1`` are float32 (n,), n >= 1."""
        row = dict(video=video.name, label=video.label, gt=_plain(gt), top1=_plain(top1))
        self._journal.append(row)
        self._keep(row, str(self._journal.path))

    def _keep(self, row: Mapping[str, Any], where: str) -> None:
        name, label = row['video'], row.get('label')
        try:
            gt, top1 = (np.array(row.get(key), np.float32) for key in ('gt', 'top1'))
        except (TypeError, ValueError):
            gt = top1 = np.zeros(0, np.float32)
        if type(label) is not int or not _are_scores(gt, top1):
            raise DatasetError(
                f'{where}: expected video, label, and equally many probabilities gt and top1, '
                'gt <= top1'
            )
        frames = np.arange(gt.size, dtype=np.int64) * self._every
        self._found[name] = label, VideoScores(name, frames, gt, top1)


def published_scores(
    path: Path, videos: Sequence[TrainingVideo]
) -> tuple[list[VideoScores], list[str], int]:
    """Read a score file of StillMix's authors.

    It is a pickled dict, ``{'<video>/frame%06d.jpg': [p(gt), p(top1)]}``, whose numbers count from
    1 as those of the files do, or ``{'<video>.mp4//<n>': ...}`` (Kinetics-400) from 0. Only data is
    read of the pickle.

    Args:
        path: The file.
        videos: The training videos; found by the tail of their path.

    Returns:
        Scores of the videos that the file has, names of those that it has not, and how many other
        videos it has.

    Raises:
        DatasetError: It cannot be read, asks to run something, or has none of the videos.
    """
    content = load_restricted(path, 'frame scores')
    if not isinstance(content, dict) or not content:
        raise DatasetError(
            f'{path}: expected a pickled dict of frames, got a {type(content).__name__}'
        )
    by_video: dict[str, dict[int, tuple[float, float]]] = defaultdict(dict)
    for key, value in content.items():
        name, number = _frame_of(key, path)
        by_video[name][number] = _pair(value, f'{path}, frame {key}')
    names = VideoNames(by_video, str(path))
    places = {video.name: names.find(video.name) for video in videos}
    missing = [name for name, place in places.items() if place is None]
    found = [
        _sorted_scores(name, by_video[names.names[place]])
        for name, place in places.items()
        if place is not None
    ]
    if not found:
        raise DatasetError(
            f'{path}: has none of the {len(videos)} training videos; it has '
            f'{name_some(by_video)}, they are {name_some(missing)}'
        )
    return found, missing, len(by_video) - len(found)


def _frame_of(key: Any, path: Path) -> tuple[str, int]:
    position = _POSITION.fullmatch(key) if isinstance(key, str) else None
    if position:
        return position[1], int(position[2])
    file = _FILE.fullmatch(key) if isinstance(key, str) else None
    if not file or int(file[2]) < 1:
        raise DatasetError(
            f'{path}: frame {key!r}: expected <video>/frame<number>.jpg, counted '
            'from 1, or <video>//<number>, counted from 0'
        )
    return file[1], int(file[2]) - 1


def _pair(value: Any, where: str) -> tuple[float, float]:
    try:
        gt, top1 = (float(one) for one in np.asarray(value, np.float32).reshape(-1))
    except (TypeError, ValueError):
        gt = top1 = np.nan
    # float32 softmax can exceed 1, and the label's the largest, by a rounding
    if not (0 <= gt <= top1 + 1e-6 and top1 <= 1 + 1e-6):
        raise DatasetError(f'{where}: expected [p(gt), p(top1)], got {value!r:.60}')
    return min(gt, 1.0), min(top1, 1.0)


def _sorted_scores(name: str, frames: Mapping[int, tuple[float, float]]) -> VideoScores:
    numbers = sorted(frames)
    gt, top1 = np.array([frames[number] for number in numbers], np.float32).T
    return VideoScores(name, np.array(numbers, np.int64), gt, top1)


def _are_scores(gt: np.ndarray, top1: np.ndarray) -> bool:
    return (
        gt.ndim == 1
        and gt.shape == top1.shape
        and gt.size > 0
        and bool(((gt >= 0) & (gt <= top1 + 1e-6) & (top1 <= 1)).all())
    )


def _plain(values: Iterable[float]) -> list[float]:
    """Nine digits bring a float32 back as it was."""
    return [float(f'{value:.9g}') for value in values]
