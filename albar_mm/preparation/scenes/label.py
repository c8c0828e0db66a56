"""Scene pseudo-labels for the videos of an annotation list, made in parallel and written whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.datasets.transforms import DecordDecode, DecordInit, OpenCVDecode, OpenCVInit

from ...utils.errors import DatasetError
from ...utils.files import write_npz
from ...utils.journal import Journal
from ...video.source_video import decoder_name
from ...video.strict_reading import read_strictly
from ..list_job import ListJob, left_out_lines
from .classifiers import SceneClassifier

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

    Raises:
        DatasetError: The list is empty or wrong, a video cannot be read, the classifier fails, or
            ``out`` or ``<out>.part.jsonl`` is of other settings.
        ValueError: For another ``missing``, or ``frames`` below 1.
    """
    if frames < 1:
        raise ValueError(f'frames must be 1 or more, got {frames}')
    if out.suffix.lower() not in ('.jsonl', '.npz'):
        raise DatasetError(f'{out}: name a file that ends in .jsonl or .npz')
    job = ListJob(
        list_file,
        out,
        'scenes',
        report=out.with_name(f'{out.name}.report.json'),
        part=out.with_name(f'{out.name}.part.jsonl'),
        settings=dict(classifier=classifier.settings(), list=None, frames=frames, hard=hard),
        missing=missing,
    )
    earlier = job.earlier(lambda row: _labelled(job, row, row['videos']))
    if earlier is not None:
        say(f'{out}: is complete already')
        return earlier
    todo = job.begin(say)
    if todo:
        classifier.check()
    say(f'labelling the scenes ({classifier.name}) of {len(todo)} videos')
    work = partial(_label, classifier, video_root, frames, hard)
    places, left_out = job.run(work, todo, workers if classifier.parallel else 1)
    scenes = _write(job.journal, places, out)
    row = job.finish(left_out, videos=len(places), num_scenes=scenes)
    return _labelled(job, row, len(job.finished))


def summary(done: Labelled) -> list[str]:
    """Lines for the terminal: counts, and what was left out."""
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


def _label(
    classifier: SceneClassifier, root: Path, frames: int, hard: bool, name: str
) -> dict[str, Any]:
    probabilities = classifier.probabilities(uniform_frames(root / name, frames))
    label = video_label(probabilities, hard)
    if hard:
        return dict(scene=label, num_scenes=probabilities.shape[1])
    return dict(scene_prob=[round(value, _DIGITS) for value in label.tolist()])


def _write(journal: Journal, places: Sequence[tuple[int, int]], out: Path) -> int:
    """Write the finished rows in the order of the list; returns the number of scene classes."""
    names, labels, counts = [], [], set()
    for row in journal.rows(places):
        names.append(row['video'])
        labels.append(row['scene'] if 'scene' in row else row['scene_prob'])
        counts.add(row['num_scenes'] if 'scene' in row else len(row['scene_prob']))
    if len(counts) != 1:
        raise DatasetError(
            f'{journal.path}: its rows are of {sorted(counts)} scene classes; delete '
            'the file to begin anew'
        )
    (scenes,) = counts
    if out.suffix.lower() == '.jsonl':
        journal.copy(places, out)
        return scenes
    soft = isinstance(labels[0], list)
    name, kind = ('scene_prob', np.float32) if soft else ('scene', np.int64)
    write_npz(
        out,
        {'video': np.array(names), 'num_scenes': np.array(scenes), name: np.array(labels, kind)},
    )
    return scenes


def _labelled(job: ListJob, row: dict[str, Any], kept: int) -> Labelled:
    counts = row['videos'], row['num_scenes'], tuple(row['left_out'])
    return Labelled(job.out, job.report, *counts, kept)
