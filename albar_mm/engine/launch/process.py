"""What a run does to its own process: at the start, and at the end of one of several."""

import ctypes
import gc
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


def leave_process_group() -> None:
    """Meet all processes of the default group, then leave it.

    Without this a run that went well may end with SIGABRT, and torchrun then calls it failed: a
    thread of gloo lets go of a collective's tensors a moment after the collective is done, which
    needs Python, and Python may be ending by then. Leaving the group waits for these threads. A
    model wrapped for several processes holds the group too, so what nobody uses goes first. And
    nobody leaves before all have come: a connection that one end closes may take data along that
    the other end has yet to read.

    It is for the end of a run that went well: a process that failed would wait for others that
    wait for it.
    """
    import torch  # not needed for the above, which a test asks of a fresh Python
    from torch import distributed as dist

    gc.collect()
    devices = [torch.cuda.current_device()] if dist.get_backend() == dist.Backend.NCCL else None
    dist.barrier(device_ids=devices)
    dist.destroy_process_group()
