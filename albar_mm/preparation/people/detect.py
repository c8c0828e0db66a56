"""Person boxes for the videos of an annotation list, detected in parallel and written whole."""

from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ...bias_sets.masks.parse import parse_masks
from ...bias_sets.masks.refine import MotionMasks
from ...utils.errors import DatasetError
from ...utils.journal import Journal
from ...utils.spec import make
from ...utils.text import name_some
from ...utils.video_ids import stem_of
from ...video.source_video import SourceVideo
from ..list_job import ListResult, left_out_lines, run_list_job
from .detectors import (
    EveryNth,
    FileBoxes,
    FrameDetector,
    HogDetector,
    MaskBoxes,
    OnnxDetector,
    PersonDetector,
)

DETECTORS_HELP = """\
detectors (SPEC):
  hog                OpenCV's built-in people detector (default): no file, no download; finds upright,
                     whole, rather large people and few others; enlarge, margin, stride
                       hog,enlarge=1.5
  onnx:MODEL         an object detector; size=HEIGHTxWIDTH, output=auto|classes|objectness|suppressed,
                     person, threshold, nms, resize=pad|stretch, scale, mean=R/G/B, std=R/G/B,
                     channels=rgb|bgr, normalized, layer
                       onnx:yolov8n.onnx          onnx:mine.onnx,output=classes,person=3
  segmenter:MODEL    boxes around what a person segmenter finds (.onnx, .tflite), with the options of
                     dnn:MODEL of tools/build_bias_benchmark.py
                       segmenter:selfie_segmentation.tflite
  masks:SPEC         boxes around any masks of tools/build_bias_benchmark.py
                       masks:jhmdb:data/jhmdb/masks
  motion             what moves before a camera that stands still: no detector of people, the last
                     resort where there is none
  file:PATH          boxes that somebody else made: detections of ActorCutMix or StillMix (.npy, .pkl),
                     UCF101-24 (.pkl), JSON lines, text
                       file:UCF101_detections.npy
"""  # noqa: E501


def detect_people(
    list_file: Path,
    video_root: Path,
    out: Path,
    detector: PersonDetector,
    missing: str = 'fail',
    workers: int = 1,
    say: Callable[[str], object] = print,
) -> ListResult:
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

    Raises:
        DatasetError: The list is empty or wrong, a video cannot be read, the detector fails, or
            ``out`` or ``<out>.part`` is of other settings.
        ValueError: For another ``missing``.
    """
    if out.suffix.lower() not in ('.jsonl', '.json'):
        raise DatasetError(f'{out}: name a file that ends in .jsonl, by which readers know it')
    return run_list_job(
        list_file,
        out,
        'boxes',
        report=out.with_suffix('.report.json'),
        part=out.with_name(f'{out.name}.part'),
        settings=dict(detector=detector.settings(), list=None),
        missing=missing,
        workers=workers,
        say=say,
        begin=lambda number: say(f'detecting people ({detector.name}) in {number} videos'),
        row_of=partial(_boxes, detector, video_root),
        write=partial(_write, out),
    )


def summary(done: ListResult) -> list[str]:
    """Lines for the terminal: counts, and all that a person should look at."""
    row, without = done.row, done.row['videos_without_people']
    share = 100 * row['frames_without_people'] / max(1, row['frames'])
    lines = [
        f'{done.out}: people in {row["videos"] - len(without)} of {row["videos"]} videos; '
        f'{row["frames_without_people"]} of {row["frames"]} frames ({share:.1f} %) have none'
    ]
    if without:
        lines.append(
            f'{len(without)} videos without people, all in {done.report}: {name_some(without)}'
        )
    return lines + left_out_lines(done)


def _boxes(detector: PersonDetector, root: Path, name: str) -> dict[str, Any]:
    video = SourceVideo(stem_of(name), root / name, 0, PurePosixPath(name).parent.name)
    height, width = video.frames.shape[1:3]
    boxes = [_plain(rows, width, height) for rows in detector.detect(video)]
    if len(boxes) != len(video.frames):
        raise DatasetError(
            f'video {name}: {detector.name} gave boxes for {len(boxes)} of '
            f'{len(video.frames)} frames'
        )
    return dict(boxes=boxes)


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


def _write(out: Path, journal: Journal, places: list[tuple[int, int]]) -> dict[str, Any]:
    counts = [
        (row['video'], len(row['boxes']), row['boxes'].count([])) for row in journal.rows(places)
    ]
    journal.copy(places, out)
    return dict(
        videos=len(counts),
        frames=sum(frames for _, frames, _ in counts),
        frames_without_people=sum(without for *_, without in counts),
        videos_without_people=[name for name, frames, without in counts if frames == without],
    )


def _segmenter(model: str) -> MaskBoxes:
    masks = parse_masks(f'dnn:{model}')
    return MaskBoxes(masks, label=masks.name)


def _masks(spec: str) -> MaskBoxes:
    return MaskBoxes(parse_masks(spec))


def _motion(
    threshold: float | None = MotionMasks.threshold,
    kernel: int = MotionMasks.kernel,
    min_area: float = MotionMasks.min_area,
) -> MaskBoxes:
    return MaskBoxes(MotionMasks(threshold, kernel, min_area), label='motion')


FORMS = {
    'hog[,key=value]': HogDetector,
    'onnx:MODEL[,key=value]': OnnxDetector,
    'segmenter:MODEL[,key=value]': _segmenter,
    'masks:SPEC': _masks,
    'motion[,key=value]': _motion,
    'file:PATH': FileBoxes,
}


def parse_detector(text: str, every: int = 1) -> PersonDetector:
    """Make a detector of its description; see :data:`DETECTORS_HELP`.

    Args:
        text: E.g. ``'hog'``.
        every: Look at every n-th frame only.

    Returns:
        The detector, after a first check of its files.

    Raises:
        DatasetError: There is no such detector or option, or a file is missing or broken.
    """
    if every < 1:
        raise DatasetError(f'every={every}: expected a number of frames from 1')
    made = make(text, FORMS, 'detector')
    looks_at_frames = isinstance(made, FrameDetector) or (
        isinstance(made, MaskBoxes) and made.label
    )
    if every > 1 and not looks_at_frames:
        raise DatasetError(f'detector {text!r}: has an entry for every frame; leave out --every')
    made.check()
    return EveryNth(made, every) if every > 1 else made
