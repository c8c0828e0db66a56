"""Scene pseudo-labels for the videos of an annotation list, made in parallel and written whole."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.datasets.transforms import DecordDecode, DecordInit, OpenCVDecode, OpenCVInit

from ...utils.arrays import write_npz
from ...utils.errors import DatasetError
from ...utils.journal import Journal
from ...video.source_video import decoder_name
from ...video.strict_reading import read_strictly
from ..list_job import ListJob, ListResult, left_out_lines
from .classifiers import SceneClassifier

_DIGITS = 6  # of a probability in a text file


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
) -> ListResult:
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
        workers=workers if classifier.parallel else 1,
        say=say,
    )

    def begin(number: int) -> None:
        if number:
            classifier.check()
        say(f'labelling the scenes ({classifier.name}) of {number} videos')

    work = partial(_label, classifier, video_root, frames, hard)
    return job.run(begin, work, partial(_write, out))


def summary(done: ListResult) -> list[str]:
    """Lines for the terminal: counts, and what was left out."""
    videos, scenes = done.row['videos'], done.row['num_scenes']
    lines = [f'{done.out}: scene labels of {videos} videos, num_scenes={scenes}']
    return lines + left_out_lines(done)


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


def _write(out: Path, journal: Journal, places: list[tuple[int, int]]) -> dict[str, int]:
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
    else:
        soft = isinstance(labels[0], list)
        key, kind = ('scene_prob', np.float32) if soft else ('scene', np.int64)
        arrays = dict(video=np.array(names), num_scenes=np.array(scenes))
        write_npz(out, {**arrays, key: np.array(labels, kind)})
    return dict(videos=len(names), num_scenes=scenes)
