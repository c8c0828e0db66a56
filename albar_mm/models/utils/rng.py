"""Looking at a network without moving the random state of the training."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


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
