"""What becomes of frames that have no mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...utils.errors import DatasetError
from ...utils.text import name_some

POLICIES = ('cut', 'nearest', 'background', 'error')
"""``cut`` drops frames before the first and after the last mask and is ``nearest`` between them;
``nearest`` takes the mask of the nearest frame that has one (of two, the earlier);
``background``, as published, drops like ``cut`` and leaves the frames between without a foreground;
``error`` refuses the video."""


@dataclass(frozen=True)
class MaskTrack:
    """Masks of the frames that are kept.

    Attributes:
        masks: bool, shape (last - first + 1, H, W); no frame of it is empty, except under the
            policy ``background``.
        first: First frame that is kept, from 0.
        last: Last frame that is kept, inclusive.
        filled: Kept frames that had no mask, as indices into the whole video. Frames that were
            cut had none either: those before ``first`` and after ``last``.
    """

    masks: np.ndarray
    first: int
    last: int
    filled: tuple[int, ...]


def fill_missing(masks: np.ndarray, policy: str = 'cut', video_id: str = '') -> MaskTrack:
    """Apply a policy to the frames without a mask.

    Args:
        masks: bool, shape (T, H, W); an all-False frame has no mask.
        policy: One of ``POLICIES``.
        video_id: Names the video in errors.

    Returns:
        The frames that are kept, with their masks.

    Raises:
        DatasetError: No frame has a mask; or the policy is ``error`` and some frame has none.
        ValueError: There is no such policy.
    """
    if policy not in POLICIES:
        raise ValueError(f'mask policy {policy!r}; expected one of {", ".join(POLICIES)}')
    present = masks.any(axis=(1, 2))
    having = np.flatnonzero(present)
    who = f'video {video_id}: ' if video_id else ''
    if not having.size:
        raise DatasetError(
            f'{who}none of its {len(masks)} frames has a mask; take the video out, or another '
            'mask source'
        )
    if policy == 'error' and having.size < len(masks):
        missing = np.flatnonzero(~present)
        raise DatasetError(
            f'{who}{len(missing)} of {len(masks)} frames have no mask (frames '
            f'{name_some(str(index) for index in missing)}, counted from 0); mend the masks, or '
            'choose the policy cut, nearest or background'
        )
    first, last = 0, len(masks) - 1
    if policy in ('cut', 'background'):
        first, last = int(having[0]), int(having[-1])
    filled = tuple(int(i) for i in range(first, last + 1) if not present[i])
    kept = masks[first : last + 1]
    if filled and policy != 'background':
        kept = kept.copy()
        for index in filled:
            kept[index - first] = masks[having[np.argmin(np.abs(having - index))]]
    return MaskTrack(kept, first, last, filled)
