"""The end of a run in several processes (for the tools and the tests)."""

import gc

import torch
from torch import distributed as dist


def leave_process_group() -> None:
    """Meet all processes of the default group, then leave it.

    Without this a run that went well may end with SIGABRT, and torchrun then ends the other
    processes and calls the run failed: a thread of gloo lets go of a collective's tensors a moment
    after the collective is done, which needs Python, and Python may be ending by then. Leaving the
    group waits for these threads. A model wrapped for several processes holds the group too, so
    what nobody uses any more goes first. And nobody leaves before all have come: a connection that
    one end closes may take data along that the other end has yet to read.

    It is for the end of a run that went well: a process that failed would wait for others that
    wait for it.
    """
    gc.collect()
    devices = [torch.cuda.current_device()] if dist.get_backend() == dist.Backend.NCCL else None
    dist.barrier(device_ids=devices)
    dist.destroy_process_group()
