"""Scene pseudo-labels for the videos of an annotation list, made in parallel and written whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.datasets.transforms import DecordDecode, DecordInit, OpenCVDecode, OpenCVInit

from ...utils.errors import BadVideoError, DatasetError
from ...utils.files import write_bytes, write_text
from ...utils.identity import file_identity
from ...utils.journal import PartFile
from ...video.source_video import decoder_name
from ...video.strict_reading import read_strictly
from ..list_job import ListJob, finished_before, left_out_lines, listed_videos
from .classifiers import CLASSIFIERS_HELP, SceneClassifier, parse_classifier

__all__ = [
    'CLASSIFIERS_HELP',
    'Labelled',
    'SceneClassifier',
    'label_scenes',
    'parse_classifier',
    'summary',
    'uniform_frames',
    'video_label',
]

MISSING = ('fail', 'drop')
_DIGITS = 6  # of a probability in a text file


@dataclass(frozen=True)
class Labelled:
    """What a run made.

    Attributes:
        out: The file of scene labels.
        report: JSON file beside it: classifier, list, counts, and what was left out.
        videos: Number of videos in the file.
        num_scenes: Number of scene classes S.
        left_out: ``video`` and ``reason`` of listed videos that are not in the file.
        kept: Videos that an earlier, interrupted run had finished.
    """

    out: Path
    report: Path
    videos: int
    num_scenes: int
    left_out: tuple[dict[str, str], ...]
    kept: int


def label_scenes(
    list_file: Path,
    video_root: Path,
    out: Path,
    classifier: SceneClassifier,
    frames: int = 10,
    hard: bool = False,
    missing: str = 'fail',
    workers: int = 1,
    say: Callable[[str], object] = print,
) -> Labelled:
    """Label the scene of every listed video with an image classifier.

    SDN takes the softmax of a Places365 network, averaged over the frames of a video; ``hard``
    takes the class that most frames vote for instead. Written is what
    :func:`albar_mm.annotations.scene_labels.read_scene_labels` reads: JSON lines, or arrays for an
    ``out`` that ends in ``.npz`` (smaller for probabilities). Until all is done, finished videos
    lie in ``<out>.part.jsonl``, and the same call goes on from there; a complete file is not made
    again.

    Args:
        list_file: Lines ``path label``, as ``tools/prepare_dataset.py`` writes them.
        video_root: Folder that the paths start at.
        out: File to write, ``.jsonl`` or ``.npz``.
        classifier: E.g. from :func:`parse_classifier`.
        frames: Frames of every video to look at, see :func:`uniform_frames`.
        hard: Majority vote instead of mean probabilities.
        missing: With a video that cannot be read: ``'fail'``, or ``'drop'`` to leave it out.
        workers: Processes; a classifier that does not allow several runs in this one.
        say: Shows a line of text to the user.

    Returns:
        Counts.

    Raises:
        DatasetError: The list is empty or wrong, a video cannot be read, the classifier fails, or
            ``out`` or ``<out>.part.jsonl`` is of other settings.
        ValueError: For another ``missing``, or ``frames`` below 1.
    """
    if missing not in MISSING:
        raise ValueError(f'missing must be one of {MISSING}, got {missing!r}')
    if frames < 1:
        raise ValueError(f'frames must be 1 or more, got {frames}')
    if out.suffix.lower() not in ('.jsonl', '.npz'):
        raise DatasetError(f'{out}: name a file that ends in .jsonl or .npz')
    videos = listed_videos(list_file)
    settings = dict(
        classifier=classifier.settings(), list=file_identity(list_file), frames=frames, hard=hard
    )
    report = out.with_name(f'{out.name}.report.json')
    part_file = out.with_name(f'{out.name}.part.jsonl')
    earlier = finished_before(
        out,
        report,
        part_file,
        'scenes',
        settings,
        lambda row: _labelled(out, report, row, row['videos']),
    )
    if earlier is not None:
        say(f'{out}: is complete already')
        return earlier
    job = ListJob.begin(list_file, videos, part_file, settings, say)
    part = job.part
    if job.todo:
        classifier.check()
    say(f'labelling the scenes ({classifier.name}) of {len(job.todo)} videos')
    work = _Work(classifier, video_root, part, frames, hard, missing)
    places, left_out = job.run(work, workers if classifier.parallel else 1, missing)
    scenes = _write(part, places, out)
    row = dict(
        settings,
        scenes=file_identity(out),
        videos=len(places),
        num_scenes=scenes,
        left_out=left_out,
    )
    write_text(report, json.dumps(row, indent=1, ensure_ascii=False) + '\n')
    part.path.unlink()
    return _labelled(out, report, row, len(job.finished))


def summary(done: Labelled) -> list[str]:
    """Lines for the terminal: counts, and what was left out.

    Args:
        done: What :func:`label_scenes` returned.
    """
    lines = [f'{done.out}: scene labels of {done.videos} videos, num_scenes={done.num_scenes}']
    return lines + left_out_lines(done.left_out, done.report)


def uniform_frames(path: Path, count: int) -> list[np.ndarray]:
    """Decode the middle frame of each of so many equal parts of a video.

    Args:
        path: The video file.
        count: Number of frames; a video with fewer frames gives some of them more than once.

    Returns:
        Pictures, uint8 RGB (H, W, 3).

    Raises:
        BadVideoError: It cannot be read; names the file.
    """
    decord = decoder_name() == 'decord'
    init, decode = (DecordInit(), DecordDecode()) if decord else (OpenCVInit(), OpenCVDecode())

    def choose(results: dict[str, Any]) -> dict[str, Any]:
        middles = (np.arange(count) + 0.5) * results['total_frames'] / count
        return dict(results, frame_inds=middles.astype(int))

    return list(read_strictly([init, choose, decode], dict(filename=str(path)))['imgs'])


def video_label(probabilities: np.ndarray, hard: bool) -> int | np.ndarray:
    """Label of a video from those of its frames.

    Args:
        probabilities: (n, S), rows that sum to 1.
        hard: The class that most frames vote for, of several such the one with the higher mean
            probability; else the mean probabilities.

    Returns:
        A class index, or (S,) probabilities.
    """
    mean = probabilities.mean(0)
    if not hard:
        return mean
    votes = np.bincount(probabilities.argmax(1), minlength=len(mean))
    return int(np.where(votes == votes.max(), mean, -1).argmax())


@dataclass(frozen=True)
class _Work:
    """Labels one video and puts its line to those that are finished."""

    classifier: SceneClassifier
    root: Path
    part: PartFile
    frames: int
    hard: bool
    missing: str

    def __call__(self, name: str) -> dict[str, str] | None:
        """Returns ``video`` and ``reason`` of a video that is left out."""
        try:
            pictures = uniform_frames(self.root / name, self.frames)
        except BadVideoError as error:
            if self.missing == 'fail':
                raise
            return dict(video=name, reason=str(error))
        probabilities = self.classifier.probabilities(pictures)
        label = video_label(probabilities, self.hard)
        if self.hard:
            row = dict(scene=label, num_scenes=probabilities.shape[1])
        else:
            row = dict(scene_prob=[round(value, _DIGITS) for value in label.tolist()])
        self.part.append(dict(video=name, **row))
        return None


def _write(part: PartFile, places: Sequence[tuple[int, int]], out: Path) -> int:
    """Write the finished rows in the order of the list; returns the number of scene classes."""
    if out.suffix.lower() == '.jsonl':
        counts = {_classes(row) for row in part.rows(places, out)}
        return _one(counts, part)
    names, labels, counts = [], [], set()
    for row in _read(part.path, places):
        names.append(row['video'])
        labels.append(row['scene'] if 'scene' in row else row['scene_prob'])
        counts.add(_classes(row))
    scenes = _one(counts, part)
    soft = isinstance(labels[0], list)
    arrays = {
        'video': np.array(names),
        'num_scenes': np.array(scenes),
        'scene_prob' if soft else 'scene': np.array(labels, np.float32 if soft else np.int64),
    }
    buffer = BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_bytes(out, buffer.getvalue())
    return scenes


def _read(path: Path, places: Sequence[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    with path.open('rb') as stream:
        for start, end in places:
            stream.seek(start)
            yield json.loads(stream.read(end - start))


def _classes(row: Mapping[str, Any]) -> int:
    return row['num_scenes'] if 'scene' in row else len(row['scene_prob'])


def _one(counts: set[int], part: PartFile) -> int:
    if len(counts) != 1:
        raise DatasetError(
            f'{part.path}: its rows are of {sorted(counts)} scene classes; delete '
            'the file to begin anew'
        )
    return counts.pop()


def _labelled(out: Path, report: Path, row: dict[str, Any], kept: int) -> Labelled:
    return Labelled(out, report, row['videos'], row['num_scenes'], tuple(row['left_out']), kept)
