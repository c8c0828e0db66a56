"""Gradient reversal (Ganin and Lempitsky, ICML 2015) and plain gradient scaling."""

from typing import Any

import torch
from torch import Tensor


class _ScaleGradient(torch.autograd.Function):
    """Identity forward; the gradient is multiplied by a constant."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.factor * grad, None


def scale_gradient(x: Tensor, factor: float) -> Tensor:
    """Return ``x``; the gradient that comes back through it is multiplied by ``factor``.

    Args:
        x: Any shape.
        factor: Any number; 0 sends back a gradient of zeros.

    Example:
        >>> x = torch.ones(1, requires_grad=True)
        >>> (3 * scale_gradient(x, 0.5)).backward()
        >>> x.grad.item()
        1.5
    """
    return _ScaleGradient.apply(x, float(factor))


def reverse_gradient(x: Tensor, alpha: float = 1.0) -> Tensor:
    """Gradient reversal layer: identity forward, gradient times ``-alpha`` backward.

    What stands behind it is trained to lower its loss, what stands before it to raise the same
    loss, ``alpha`` times as strongly.

    Args:
        x: Any shape.
        alpha: Strength, >= 0.

    Raises:
        ValueError: If ``alpha`` is negative, which would reverse nothing.

    Example:
        >>> x = torch.ones(1, requires_grad=True)
        >>> (3 * reverse_gradient(x, 0.5)).backward()
        >>> x.grad.item()
        -1.5
    """
    if alpha < 0:
        raise ValueError(f'alpha of a gradient reversal must be >= 0, got {alpha}')
    return scale_gradient(x, -alpha)
