"""Looking at a network without leaving a trace in the training."""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

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


def replayed_rng(device: torch.device | str) -> Callable[[], AbstractContextManager]:
    """Remember torch's random state (CPU and ``device``); the context returned begins with it."""
    device = torch.device(device)
    states = torch.get_rng_state(), None
    if device.type == 'cuda':
        states = states[0], torch.cuda.get_rng_state(device)

    @contextmanager
    def replay() -> Iterator[None]:
        with preserved_rng(device):
            torch.set_rng_state(states[0])
            if states[1] is not None:
                torch.cuda.set_rng_state(states[1], device)
            yield

    return replay


@contextmanager
def preserved_attributes(modules: Iterable[nn.Module], *names: str) -> Iterator[None]:
    """Restore attributes of modules, where they have them, after the body."""
    saved = [(m, n, getattr(m, n)) for m in list(modules) for n in names if hasattr(m, n)]
    try:
        yield
    finally:
        for module, name, value in saved:
            setattr(module, name, value)
