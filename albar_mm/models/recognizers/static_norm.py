"""What BatchNorm does while static clips go through the network."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..utils.rng import preserved_attributes

NORM_MODES = ('batch', 'running', 'update', 'clip')

ClipStatistics = Mapping[_BatchNorm, tuple[Tensor, Tensor]]
"""BatchNorm layer -> mean and biased variance (C,) of its input in this step's motion pass."""


@contextmanager
def clip_statistics(model: nn.Module, enabled: bool) -> Iterator[dict[_BatchNorm, tuple]]:
    """Record the batch statistics of the forward pass inside, for mode ``'clip'``.

    They are read off the running statistics, which moved by ``momentum`` towards them, so nothing
    is computed twice and SyncBatchNorm gives those of the global batch.

    Args:
        model: The recogniser; its parameters and statistics are as without the recording.
        enabled: False records nothing.

    Yields:
        A dict that is filled at the end.

    Raises:
        ValueError: If a layer keeps a cumulative average (``momentum=None``).
    """
    recorded: dict[_BatchNorm, tuple] = {}
    before, counts = {}, {}

    def count(module: _BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        values = inputs[0].numel() // inputs[0].shape[1]
        synced = isinstance(module, nn.SyncBatchNorm)
        counts[module] = values * (get_world_size() if synced else 1)

    with ExitStack() as hooks:
        for name, module in model.named_modules() if enabled else ():
            if isinstance(module, _BatchNorm) and module.training and module.track_running_stats:
                if not module.momentum:
                    raise ValueError(
                        f"static.norm='clip' needs a momentum, but {name} has "
                        f"momentum={module.momentum}: use static.norm='batch'"
                    )
                before[module] = (module.running_mean.clone(), module.running_var.clone())
                hooks.enter_context(module.register_forward_pre_hook(count))
        yield recorded
    for module, (old_mean, old_var) in before.items():
        if module in counts:
            mean = torch.lerp(old_mean, module.running_mean, 1 / module.momentum)
            var = torch.lerp(old_var, module.running_var, 1 / module.momentum).clamp_min(0)
            # The running variance is the unbiased one; a batch is normalised by the biased one.
            recorded[module] = (mean, var * (1 - 1 / counts[module]))


@contextmanager
def static_norm(
    model: nn.Module, mode: str, statistics: ClipStatistics | None = None
) -> Iterator[None]:
    """Set every BatchNorm layer (SyncBatchNorm included) for the static pass and restore it after.

    Layers that are frozen (in eval mode, as with ``norm_eval=True``) stay frozen in every mode.

    Args:
        model: The recogniser.
        mode: ``'batch'``: normalise with the statistics of the static batch and leave
            ``running_mean``, ``running_var`` and ``num_batches_tracked`` untouched. ``'running'``:
            normalise with the running statistics. ``'update'``: as in any training pass, so static
            clips enter the running statistics (what the official code does for such networks).
            ``'clip'``: normalise with the statistics of this step's clips. Testing normalises
            static and moving clips alike; only in this mode does training, too, so that the passes
            cannot be told apart by their normalisation.
        statistics: From :func:`clip_statistics`; needed for ``'clip'``.
    """
    if mode == 'update':
        yield
        return
    active = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.training]
    kept = 'track_running_stats' if mode == 'batch' else 'training'
    with preserved_attributes(active, kept, 'running_mean', 'running_var'):
        for module in active:
            setattr(module, kept, False)
            if mode == 'clip' and statistics and module in statistics:
                module.running_mean, module.running_var = statistics[module]
        yield
