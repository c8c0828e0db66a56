"""What BatchNorm does while static clips go through the network."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

NORM_MODES = ('batch', 'running', 'update')


@contextmanager
def static_norm(model: nn.Module, mode: str) -> Iterator[None]:
    """Set every BatchNorm layer (SyncBatchNorm included) for the static pass and restore it after.

    Layers that are frozen (in eval mode, as with ``norm_eval=True``) stay frozen in every mode.

    Args:
        model: The recogniser.
        mode: ``'batch'``: normalise with the statistics of the static batch and leave
            ``running_mean``, ``running_var`` and ``num_batches_tracked`` untouched. ``'running'``:
            normalise with the running statistics. ``'update'``: as in any training pass, so static
            clips enter the running statistics (what the official code does for such networks).
    """
    if mode == 'update':
        yield
        return
    attribute = {'batch': 'track_running_stats', 'running': 'training'}[mode]
    saved = [(module, getattr(module, attribute)) for module in model.modules()
             if isinstance(module, _BatchNorm) and module.training]
    try:
        for module, _ in saved:
            setattr(module, attribute, False)
        yield
    finally:
        for module, value in saved:
            setattr(module, attribute, value)
