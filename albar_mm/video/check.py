"""Can one video file be used? Container and frames are really read."""

from __future__ import annotations

import os
from itertools import islice

from ..utils.errors import BadVideoError, reason_of
from .container import container_fault
from .source_video import frames_in_order

DECODE = ('first', 'all', 'none')


def check_video(path: str, decode: str) -> tuple[str, str] | None:
    """Check that a video file exists, is whole and decodes.

    Args:
        path: The file.
        decode: ``'first'`` decodes one frame, ``'all'`` every frame, ``'none'`` only asks whether
            the file is there.

    Returns:
        None, or what is wrong: ``'missing'``, ``'undecodable'``, ``'truncated'`` or
        ``'zero-frame'``, and details.
    """
    if decode == 'none' and os.path.isfile(path):
        return None
    fault = container_fault(path)
    if fault:
        return fault
    try:
        for _ in islice(frames_in_order(path)[1], 1 if decode == 'first' else None):
            pass
    except BadVideoError as error:
        return 'undecodable', error.reason
    except Exception as error:  # noqa: BLE001  a broken file can fail in any way
        return 'undecodable', reason_of(error)
    return None
