"""Making a second backward pass safe, or refusing it before the first step.

The gradient penalty differentiates the network twice. Four things commonly break that: re-entrant
checkpointing and fused attention (both replaced here for the static pass), synchronised BatchNorm
and compiled sub-modules (both refused here). Whatever else lacks a second derivative is found by
:func:`probe_double_backward`. ``compile=True`` in a config is fine: the recogniser keeps the static
pass out of the compiled graph.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from typing import Any

import torch
import torch.utils.checkpoint as torch_checkpoint
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.batchnorm import _BatchNorm

from ..losses.functional import gradient_penalty
from ..utils.rng import preserved_rng

_REMEDY = 'or take StaticGradientPenalty out of static.losses (weight 0)'


def refuse_unsupported(model: nn.Module, norm: str) -> None:
    """Raise one clear sentence if the penalty cannot work with this model as it is set up.

    Args:
        model: The recogniser.
        norm: Value of ``static.norm``.

    Raises:
        RuntimeError: For compiled sub-modules, weights that are not float32 (or float64), or
            synchronised BatchNorm under ``norm`` other than ``'running'``.
    """
    for name, module in model.named_modules():
        reason = _unsupported(module, norm)
        if reason:
            raise RuntimeError(f'{name or "the model"} is {reason}, {_REMEDY}')
    for name, parameter in model.named_parameters():
        if parameter.dtype in (torch.float16, torch.bfloat16):
            raise RuntimeError(
                f'weight {name} is {parameter.dtype}, but the gradient penalty runs '
                'in float32: keep the weights in float32 and use AmpOptimWrapper '
                f'for mixed precision, {_REMEDY}'
            )


def _unsupported(module: nn.Module, norm: str) -> str:
    kind, no_second = type(module).__name__, 'which has no second backward pass'
    if getattr(module, '_compiled_call_impl', None) is not None or kind == 'OptimizedModule':
        return f'compiled by torch.compile, {no_second}: do not compile it'
    if kind == 'SyncBatchNorm' and not isinstance(module, _BatchNorm):
        # an autograd function marked once-differentiable
        return f"mmcv's SyncBatchNorm, {no_second}: use sync_bn='torch' or plain BatchNorm"
    if norm != 'running' and module.training and _synchronises(module):
        return (
            f"a SyncBatchNorm, {no_second}: set static.norm='running', use plain BatchNorm "
            '(sync_bn=None)'
        )
    return ''


def _synchronises(module: nn.Module) -> bool:
    # In a single process torch's layer is plain BatchNorm.
    return (
        isinstance(module, nn.SyncBatchNorm)
        and torch.distributed.is_available()
        and torch.distributed.is_initialized()
        and torch.distributed.get_world_size(module.process_group) > 1
    )


@contextmanager
def differentiable_twice(device_type: str) -> Iterator[None]:
    """Float32 without autocast, with attention that has a second derivative, gradients on.

    Args:
        device_type: ``'cuda'``, ``'cpu'``, ...
    """
    with (
        torch.autocast(device_type, enabled=False),
        sdpa_kernel(SDPBackend.MATH),
        torch.enable_grad(),
    ):
        yield


@contextmanager
def non_reentrant_checkpointing(
    recompute: Callable[[], AbstractContextManager] = nullcontext,
) -> Iterator[None]:
    """Run every ``torch.utils.checkpoint.checkpoint`` call of the body non-re-entrantly.

    MMAction2's ``with_cp=True`` calls it with the re-entrant default, which refuses
    ``autograd.grad`` and, with two passes in one step, marks parameters ready twice under DDP.
    Both passes of a step are therefore switched; values and gradients are the same.

    Args:
        recompute: Makes the context in which the backward pass runs the forward again, by then
            outside of the context of the first run.
    """
    original = torch_checkpoint.checkpoint

    @wraps(original)
    def checkpoint(function: Callable, *args: Any, **kwargs: Any) -> Any:
        kwargs['use_reentrant'] = False
        kwargs.setdefault('context_fn', lambda: (nullcontext(), _Reusable(recompute)))
        return original(function, *args, **kwargs)

    torch_checkpoint.checkpoint = checkpoint
    try:
        yield
    finally:
        torch_checkpoint.checkpoint = original


class _Reusable:
    """A context that can be entered again and again: two backwards mean two recomputations."""

    def __init__(self, factory: Callable[[], AbstractContextManager]) -> None:
        self.factory = factory
        self.entered: list[AbstractContextManager] = []

    def __enter__(self) -> None:
        context = self.factory()
        context.__enter__()
        self.entered.append(context)

    def __exit__(self, *error: Any) -> None:
        self.entered.pop().__exit__(*error)


class _PenaltyProbe(nn.Module):
    """Penalty and its backward pass as one ``forward``, so that both see swapped parameters."""

    def __init__(self, model: nn.Module, forward_fn: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.model = model
        self.forward_fn = forward_fn

    def forward(self, clip: Tensor) -> None:
        logits = self.forward_fn(clip)
        try:
            # Not autograd.grad: given inputs, it passes over nodes that would raise.
            gradient_penalty(logits, clip).backward()
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError as error:
            reason, _, _ = str(error).strip().partition('\n')
            raise RuntimeError(
                'the network cannot be differentiated twice, as the gradient '
                f'penalty needs ({reason}): change the setting that this names '
                f'(with_cp, a fused kernel), {_REMEDY}'
            ) from error


def probe_double_backward(
    forward_fn: Callable[[Tensor], Tensor], clip: Tensor, model: nn.Module
) -> None:
    """Try the penalty's backward pass once on a small clip.

    Copies of the parameters take part, so gradients, the hooks of DDP and the random state of the
    training are left alone.

    Args:
        forward_fn: Maps a static clip to logits; a method of ``model``.
        clip: A few samples, without gradient.
        model: The recogniser.

    Raises:
        RuntimeError: If an operation of the network has no second derivative.
    """
    copies = {
        f'model.{name}': parameter.detach().clone().requires_grad_(parameter.requires_grad)
        for name, parameter in model.named_parameters()
    }
    with preserved_rng(clip.device):
        functional_call(
            _PenaltyProbe(model, forward_fn), copies, (clip.detach().clone().requires_grad_(),)
        )
