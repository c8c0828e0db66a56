"""Scores of training frames: our resumable file, and StillMix's published files."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...annotations.video_names import VideoNames
from ...utils.errors import DatasetError
from ...utils.files import check_output
from ...utils.journal import Journal
from ...utils.safe_pickle import load_restricted
from ...utils.text import name_some
from .videos import TrainingVideo

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
        """Write a finished video.

        Args:
            video: The video.
            gt: float32 (n,), n >= 1.
            top1: float32 (n,).
        """
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
            f'{path}: expected a pickled dict of frames, got a '
            f'{type(content).__name__} of {np.size(content)}'
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
