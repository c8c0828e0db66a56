"""Convolutions with their channels innermost in memory."""

import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..checkpoints.source import bare_model

_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Lay the kernels of all convolutions out with their channels innermost.

    Activations follow their layout. Values stay what they are; what it saves depends on the network
    and the device.

    Example:
        >>> custom_hooks = [dict(type='ChannelsLastHook')]
    """

    def before_run(self, runner: Runner) -> None:
        """Convert the parameters in place, before the optimiser makes anything of them."""
        channels_last(bare_model(runner))


def channels_last(model: torch.nn.Module) -> None:
    """Lay all parameters of 4 and 5 dimensions out with dimension 1 innermost."""
    for parameter in model.parameters():
        if parameter.ndim in _FORMATS:
            layout = _FORMATS[parameter.ndim]
            parameter.data = parameter.data.contiguous(memory_format=layout)
