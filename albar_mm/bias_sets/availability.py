"""Which source videos a mask source can serve, told without decoding a frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from ..utils.errors import DatasetError
from ..utils.text import name_some
from ..video.source_video import SourceVideo
from .masks.boxes import BoxMasks
from .masks.source import MaskSource, files_of
from .sources import SourceList


def without_masks(source: MaskSource, sources: SourceList) -> dict[str, str]:
    """Find the videos that a mask source has nothing for.

    A video is one of them if its mask files are not there, if a file of boxes does not know it, or
    if its first tube is of another class than its label (UCF101-24 annotates 24 of the 101 classes;
    that rule of the published sets leaves 910 videos of split 1).

    Args:
        source: The mask source.
        sources: The source videos; they need not be there.

    Returns:
        Id -> reason.
    """
    reasons = {video.video_id: _reason(source, video) for video in sources.videos}
    return {video_id: reason for video_id, reason in reasons.items() if reason}


def require_masks(
    source: MaskSource, sources: SourceList, missing_masks: str, what: str = 'source videos'
) -> SourceList:
    """Stop at videos that a mask source has nothing for, or leave them out.

    Args:
        source: The mask source.
        sources: The source videos; they need not be there.
        missing_masks: ``'drop'`` leaves them out, anything else stops.
        what: What they are called in the message.

    Returns:
        The source videos that remain, perhaps none.

    Raises:
        DatasetError: Some have no mask; names them and the reason of one.
    """
    missing = without_masks(source, sources)
    if missing and missing_masks != 'drop':
        raise DatasetError(
            f'{len(missing)} of {len(sources.videos)} {what} have no mask: {name_some(missing)}; '
            f'the first: {missing[min(missing)]}; to leave them out: --missing-masks drop'
        )
    return sources.without(missing)


def _reason(source: MaskSource, video: SourceVideo) -> str:
    try:
        files_of(source, video)
        for boxes in boxes_inside(source):
            found = boxes.first_class(video)
            if found and video.class_name and found != video.class_name:
                return (
                    f'video {video.video_id}: the first tube in {boxes.path.name} is of class '
                    f'{found}, the video of {video.class_name}'
                )
    except DatasetError as error:
        return str(error)
    return ''


def boxes_inside(source: object) -> Iterator[BoxMasks]:
    """The files of boxes that a mask source works with, at any depth.

    Args:
        source: A mask source.
    """
    if isinstance(source, BoxMasks):
        yield source
    elif dataclasses.is_dataclass(source):
        for item in dataclasses.fields(source):
            value = getattr(source, item.name)
            if isinstance(value, MaskSource):
                yield from boxes_inside(value)
