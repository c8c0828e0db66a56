"""Keeping freed memory in the process: clips of several MB come and go with every sample."""

from __future__ import annotations

import ctypes
import os
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
_KEEP_BYTES = 128 << 20
_MMAP_FROM_BYTES = 32 << 20  # the most that glibc takes
_SETTINGS = ('MALLOC_TRIM_THRESHOLD_', 'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TOP_PAD_', 'LD_PRELOAD')


def keep_freed_memory() -> bool:
    """Ask the C library to keep up to 128 MiB of freed memory for the next clip.

    By default glibc gives the memory of a clip back to the system and gets it anew for the next
    one, page by page, which costs a sixth of the time of decoding and resizing
    (``benchmarks/compositing.py``). Holds for this process and for workers forked from it.

    Returns:
        Whether it was set: not where another C library or allocator is in use, or where the user
        chose settings with the environment variables of glibc (``MALLOC_TRIM_THRESHOLD_``, ...).
    """
    if not sys.platform.startswith('linux') or any(name in os.environ for name in _SETTINGS):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # e.g. musl
        return False
    return bool(
        mallopt(_MMAP_THRESHOLD, _MMAP_FROM_BYTES) and mallopt(_TRIM_THRESHOLD, _KEEP_BYTES)
    )
