"""Looking at a network without leaving a trace in the training."""

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def preserved_rng(device: torch.device | str) -> Iterator[None]:
    """Restore the Python, numpy and torch random state (CPU and ``device``) after the body."""
    device = torch.device(device)
    devices = [] if device.type == 'cpu' else [device]
    python_state, numpy_state = random.getstate(), np.random.get_state()
    fork_type = 'cuda' if device.type == 'cpu' else device.type
    try:
        with torch.random.fork_rng(devices, device_type=fork_type):
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)


@contextmanager
def preserved_attributes(modules: Iterable[nn.Module], *names: str) -> Iterator[None]:
    """Restore attributes of modules, where they have them, after the body."""
    saved = [(m, n, getattr(m, n)) for m in list(modules) for n in names if hasattr(m, n)]
    try:
        yield
    finally:
        for module, name, value in saved:
            setattr(module, name, value)
