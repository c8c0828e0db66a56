"""Rounding made visible: trainings that begin a millionth beside their initial weights.

Another processor, or another number of threads, rounds otherwise. A result that a test asserts must
not hang on it; :func:`weight_noise` disturbs every training of MMEngine's runner so much as no
machine does, and ``pytest --weight-noise 3`` does it for all tests that train in the process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

SCALE = 1e-6


@contextmanager
def weight_noise(draw: int, scale: float = SCALE) -> Iterator[None]:
    """Disturb the initial weights of every model that a ``Runner`` trains within the block.

    Args:
        draw: Which noise; 0 for none.
        scale: Standard deviation of the noise, in each weight's own size.
    """
    if not draw:
        yield
        return
    # PyTorch is not needed otherwise, and not yet while tests are collected
    import torch
    from mmengine.runner import Runner

    initialise = Runner._init_model_weights

    def disturbed(runner: Runner) -> None:
        initialise(runner)
        generator = torch.Generator().manual_seed(draw)
        with torch.no_grad():
            for parameter in runner.model.parameters():
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.mul_(1 + scale * noise.to(parameter.device))

    with mock.patch.object(Runner, '_init_model_weights', disturbed):
        yield
