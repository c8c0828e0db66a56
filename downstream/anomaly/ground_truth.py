"""Truth of every frame, from the annotation and the video's own number of frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from albar_mm.utils.errors import DatasetError

from .annotations import AnomalyVideo
from .functional import TOLERANCE, frame_ground_truth


@dataclass(frozen=True)
class Clipped:
    """An event that was cut at the end of its video.

    Attributes:
        video_id: The video.
        end: Last frame that the annotation gives.
        num_frames: Frames of the video.
    """

    video_id: str
    end: int
    num_frames: int

    def __str__(self) -> str:
        return f'{self.video_id}: event ends at {self.end}, the video has {self.num_frames} frames'


def check_length(video: AnomalyVideo, num_frames: int) -> None:
    """Refuse a video that is not the one that was annotated.

    Args:
        video: The annotation.
        num_frames: Frames of the video at hand.

    Raises:
        DatasetError: The annotation tells another number of frames.
    """
    if video.num_frames not in (None, num_frames):
        raise DatasetError(
            f'video {video.video_id!r} has {num_frames} frames, its annotation says '
            f'{video.num_frames}: another cut of the video, or another frame '
            'rate'
        )


def truth_of_video(
    video: AnomalyVideo, num_frames: int, first_frame: int = 0, tolerance: int = TOLERANCE
) -> tuple[np.ndarray, list[Clipped]]:
    """Which frames of an annotated video are anomalous.

    Args:
        video: The annotation, with events.
        num_frames: Frames of the video at hand.
        first_frame: See :func:`~.functional.frame_ground_truth`.
        tolerance: See there.

    Returns:
        bool, shape (N,), and the events that were cut at the end of the video.

    Raises:
        DatasetError: It has no events, or they do not fit the video; the message names it.
    """
    if video.events is None:
        raise DatasetError(
            f'video {video.video_id!r}: its annotation does not say when anything '
            'happens; frame-level scores need that'
        )
    check_length(video, num_frames)
    try:
        truth = frame_ground_truth(num_frames, video.events, first_frame, tolerance)
    except ValueError as error:
        raise DatasetError(f'video {video.video_id!r}: {error}') from error
    last = num_frames - 1 + first_frame
    return truth, [
        Clipped(video.video_id, end, num_frames) for _, end in video.events if end > last
    ]


def with_lengths(
    videos: Sequence[AnomalyVideo], annotated: Sequence[AnomalyVideo]
) -> list[AnomalyVideo]:
    """Videos with the number of frames that another list tells.

    Args:
        videos: The videos.
        annotated: The same with numbers of frames, in any order.

    Raises:
        DatasetError: The other list lacks a video, or its number of frames, or has other events.
    """
    by_id = {video.video_id: video for video in annotated}
    found = []
    for video in videos:
        other = by_id.get(video.video_id)
        if other is None or other.num_frames is None:
            raise DatasetError(
                f'video {video.video_id!r}: the other list does not tell its number of frames'
            )
        if other.events != video.events or other.category != video.category:
            raise DatasetError(
                f'video {video.video_id!r}: {video.category} {video.events} in one '
                f'list, {other.category} {other.events} in the other'
            )
        found.append(replace(video, num_frames=other.num_frames))
    return found
