"""Person boxes for the videos of an annotation list, detected in parallel and written whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ...utils.errors import BadVideoError, DatasetError
from ...utils.files import write_text
from ...utils.identity import file_identity
from ...utils.journal import PartFile
from ...utils.text import name_some
from ...utils.video_ids import stem_of
from ...video.source_video import SourceVideo
from ..list_job import ListJob, finished_before, left_out_lines, listed_videos
from .detectors import PersonDetector
from .spec import DETECTORS_HELP, parse_detector

__all__ = [
    'DETECTORS_HELP',
    'Detected',
    'PersonDetector',
    'detect_people',
    'parse_detector',
    'summary',
]

MISSING = ('fail', 'drop')


@dataclass(frozen=True)
class Detected:
    """What a run found.

    Attributes:
        out: The file of boxes.
        report: JSON file beside it: detector, list, counts, and every video that is named here.
        videos: Number of videos in the file.
        frames: Frames of all of them.
        frames_without: Frames without a person.
        without: Videos without a person in any frame.
        left_out: ``video`` and ``reason`` of listed videos that are not in the file.
        kept: Videos that an earlier, interrupted run had finished.
    """

    out: Path
    report: Path
    videos: int
    frames: int
    frames_without: int
    without: tuple[str, ...]
    left_out: tuple[dict[str, str], ...]
    kept: int


def detect_people(
    list_file: Path,
    video_root: Path,
    out: Path,
    detector: PersonDetector,
    missing: str = 'fail',
    workers: int = 1,
    say: Callable[[str], object] = print,
) -> Detected:
    """Detect the people in all frames of all listed videos.

    Writes JSON lines, ``{"video": "<path as listed>", "boxes": [[[x1, y1, x2, y2, score], ...],
    ...]}``, one video a line in the order of the list, one entry per frame; corners are px clipped
    to the frame, x2 and y2 exclusive. Until all is done, finished videos lie in ``<out>.part``,
    and the same call goes on from there; a complete file is not made again.

    Args:
        list_file: Lines ``path label``, as ``tools/prepare_dataset.py`` writes them.
        video_root: Folder that the paths start at.
        out: File to write, ``.jsonl``.
        detector: The detector, e.g. from :func:`parse_detector`.
        missing: With a video that cannot be read: ``'fail'``, or ``'drop'`` to leave it out.
        workers: Processes.
        say: Shows a line of text to the user.

    Returns:
        Counts.

    Raises:
        DatasetError: The list is empty or wrong, a video cannot be read, the detector fails, or
            ``out`` or ``<out>.part`` is of other settings.
        ValueError: For another ``missing``.
    """
    if missing not in MISSING:
        raise ValueError(f'missing must be one of {MISSING}, got {missing!r}')
    if out.suffix.lower() not in ('.jsonl', '.json'):
        raise DatasetError(f'{out}: name a file that ends in .jsonl, by which readers know it')
    videos = listed_videos(list_file)
    settings = dict(detector=detector.settings(), list=file_identity(list_file))
    report = out.with_suffix('.report.json')
    part_file = out.with_name(f'{out.name}.part')
    earlier = finished_before(
        out,
        report,
        part_file,
        'boxes',
        settings,
        lambda row: _detected(out, report, row, row['videos']),
    )
    if earlier is not None:
        say(f'{out}: is complete already')
        return earlier
    job = ListJob.begin(list_file, videos, part_file, settings, say)
    part = job.part
    say(f'detecting people ({detector.name}) in {len(job.todo)} videos')
    places, left_out = job.run(_Work(detector, video_root, part, missing), workers, missing)
    counts = [
        (row['video'], len(row['boxes']), row['boxes'].count([])) for row in part.rows(places, out)
    ]
    row = dict(
        settings,
        boxes=file_identity(out),
        videos=len(counts),
        frames=sum(c[1] for c in counts),
        frames_without_people=sum(c[2] for c in counts),
        videos_without_people=[c[0] for c in counts if c[1] == c[2]],
        left_out=left_out,
    )
    write_text(report, json.dumps(row, indent=1, ensure_ascii=False) + '\n')
    part.path.unlink()
    return _detected(out, report, row, len(job.finished))


def summary(done: Detected) -> list[str]:
    """Lines for the terminal: counts, and all that a person should look at.

    Args:
        done: What :func:`detect_people` returned.
    """
    share = 100 * done.frames_without / max(1, done.frames)
    lines = [
        f'{done.out}: people in {done.videos - len(done.without)} of {done.videos} videos; '
        f'{done.frames_without} of {done.frames} frames ({share:.1f} %) have none'
    ]
    if done.without:
        lines.append(
            f'{len(done.without)} videos without people, all in {done.report}: '
            f'{name_some(done.without)}'
        )
    return lines + left_out_lines(done.left_out, done.report)


@dataclass(frozen=True)
class _Work:
    """Detects the people in one video and puts its line to those that are finished."""

    detector: PersonDetector
    root: Path
    part: PartFile
    missing: str

    def __call__(self, name: str) -> dict[str, str] | None:
        """Returns ``video`` and ``reason`` of a video that is left out."""
        path = PurePosixPath(name)
        video = SourceVideo(stem_of(name), self.root / name, 0, path.parent.name)
        try:
            height, width = video.frames.shape[1:3]
        except BadVideoError as error:
            if self.missing == 'fail':
                raise
            return dict(video=name, reason=str(error))
        boxes = [_plain(rows, width, height) for rows in self.detector.detect(video)]
        if len(boxes) != len(video.frames):
            raise DatasetError(
                f'video {name}: {self.detector.name} gave boxes for {len(boxes)} of '
                f'{len(video.frames)} frames'
            )
        self.part.append(dict(video=name, boxes=boxes))
        return None


def _plain(rows: np.ndarray, width: int, height: int) -> list[list[float]]:
    """Boxes clipped to the frame, to a tenth of a px; those that are outside of it are not kept."""
    plain = []
    for x1, y1, x2, y2, score in np.asarray(rows, dtype=np.float64).reshape(-1, 5).tolist():
        box = [
            round(min(max(value, 0.0), end), 1)
            for value, end in ((x1, width), (y1, height), (x2, width), (y2, height))
        ]
        if box[0] < box[2] and box[1] < box[3]:
            plain.append([*box, round(score, 4)])
    return plain


def _detected(out: Path, report: Path, row: dict[str, Any], kept: int) -> Detected:
    return Detected(
        out,
        report,
        row['videos'],
        row['frames'],
        row['frames_without_people'],
        tuple(row['videos_without_people']),
        tuple(row['left_out']),
        kept,
    )
