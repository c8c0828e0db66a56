"""The three terms of ALBAR as pure functions, each to be *minimised*.

ALBAR (ICLR 2025): with z the logits of the clip, z̄ those of a static clip x̄ (one frame repeated)
and p̄ = softmax(z̄),

    L = CE(z, y) - w_adv CE(z̄, y) + w_ent mean_b sum_c p̄ log p̄ + w_gp GP(x̄).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ...utils.numbers import one_of

#: Added under the square root of the penalty, as in the official code, so that the gradient of the
#: norm is finite where the input gradient is zero.
PENALTY_EPS = 1e-12
REDUCTIONS = ('official', 'sample')


def adversarial_cross_entropy(logits: Tensor, labels: Tensor, cap: float | None = None) -> Tensor:
    """Minus the cross-entropy: small when a static clip does *not* tell the class.

    The term is unbounded below, and the entropy term does not bound it (a static accuracy below
    chance is the known consequence, as in the paper's tables).

    Args:
        logits: (B, K).
        labels: int64 (B,) class indices, or float (B, K) class probabilities.
        cap: Cross-entropy in nats beyond which a sample stops contributing gradient, for example
            ``math.log(K)``. Neither paper nor official code has one. Defaults to None (no cap).

    Returns:
        Tensor: Scalar in (-inf, 0], or [-cap, 0].

    Example:
        >>> round(adversarial_cross_entropy(torch.tensor([[1., 0., 0.]]),
        ...                                 torch.tensor([0])).item(), 6)
        -0.551445
    """
    per_sample = F.cross_entropy(logits, labels, reduction='none')
    if cap is not None:
        per_sample = per_sample.clamp(max=cap)
    return -per_sample.mean()


def negative_entropy(logits: Tensor) -> Tensor:
    """Batch mean of sum_c p_c log p_c, with p = softmax(logits).

    Args:
        logits: (B, K).

    Returns:
        Tensor: Scalar in [-log K, 0] nats.

    Example:
        >>> round(negative_entropy(torch.tensor([[2., 1., 0.]])).item(), 6)
        -0.832396
    """
    return negative_entropies(logits).mean()


def negative_entropies(logits: Tensor) -> Tensor:
    """sum_c p_c log p_c of each row of (B, K), with p = softmax(logits): (B,) in [-log K, 0] nats.

    Computed as softmax times log-softmax. The official code takes ``log(softmax)``, which is NaN as
    soon as a probability underflows.
    """
    log_probs = F.log_softmax(logits, dim=1)
    return (log_probs.exp() * log_probs).sum(1)


def input_gradient(logits: Tensor, clip: Tensor, create_graph: bool = True) -> Tensor:
    """Gradient of the sum of all logits with respect to the clip.

    Args:
        logits: (B, K), computed from ``clip``.
        clip: Any shape, a leaf or not, with ``requires_grad``.
        create_graph: Whether the gradient can be differentiated itself.

    Returns:
        Tensor: Same shape as ``clip``.

    Raises:
        ValueError: If no gradient can flow from ``logits`` to ``clip``.
    """
    if not clip.requires_grad or not logits.requires_grad:
        raise ValueError(
            'the gradient penalty needs a clip with requires_grad=True, set before the forward '
            'pass, and logits that carry a graph; was that pass run under torch.no_grad()?'
        )
    (grad,) = torch.autograd.grad(
        logits.sum(), clip, retain_graph=True, create_graph=create_graph, allow_unused=True
    )
    if grad is None:
        raise ValueError('the logits do not depend on the clip given to the gradient penalty')
    return grad


def gradient_penalty(logits: Tensor, clip: Tensor, reduction: str = 'official') -> Tensor:
    """Mean norm of the gradient of the summed logits with respect to the static clip.

    The paper writes the plain norm of the input gradient; the official code sums the squares over
    dimensions 1, 2, 3 of (B, C, T, H, W), so that the width survives and is averaged. For gradients
    of even size over the picture, ``'sample'`` is about sqrt(W) times ``'official'`` (14.97 at
    W = 224): the published weight of 10 belongs to ``'official'``, about 0.67 to ``'sample'``.

    Args:
        logits: (B, K), computed from ``clip``.
        clip: (B, C, T, H, W), (B, N, C, T, H, W), (B, N, C, H, W) of a 2D recogniser (N is time),
            or (B, C, H, W). With N views each view counts as a sample of its own; logits that are
            a mean over views give each view 1/N of the gradient.
        reduction: ``'official'``: norm over dimensions 1, 2, 3 (after views are merged into the
            batch), mean over what is left. ``'sample'``: norm over everything but the batch, mean
            over samples.

    Returns:
        Tensor: Scalar >= 1e-6 (the square root of the epsilon 1e-12).

    Raises:
        ValueError: For an unknown reduction, a clip of another shape, or when no gradient flows.
    """
    dims = _checked_dims(clip, reduction)
    grad = input_gradient(logits, clip)
    return _norms(grad.flatten(0, 1) if grad.ndim == 6 else grad, dims).mean()


def difference_penalty(
    logits: Tensor,
    clip: Tensor,
    forward_fn: Callable[[Tensor], Tensor],
    reduction: str = 'official',
    step: float = 0.001,
) -> Tensor:
    """:func:`gradient_penalty` with a gradient that needs no second derivative of the network.

    The value is exact. With g the input gradient and u = g / |g| its direction, the gradient of |g|
    by the weights is that of the derivative of the summed logits along u, u held fixed, and this
    derivative is taken as the central difference of two further forward passes, at ``clip`` plus
    and minus h u. Its error is of the order of h^2 and, in float32, of rounding over h.

    Args:
        logits: As there.
        clip: As there.
        forward_fn: Maps a clip to logits with the weights, statistics and random numbers (dropout,
            drop-path) that ``logits`` were made with.
        reduction: As there.
        step: Root mean square of h u over the numbers of a clip, in their units; > 0.

    Returns:
        Tensor: Scalar >= 1e-6.

    Raises:
        ValueError: As there.
    """
    dims = _checked_dims(clip, reduction)
    merged = clip.detach().flatten(0, 1) if clip.ndim == 6 else clip.detach()
    grad = input_gradient(logits, clip, create_graph=False).view_as(merged)
    norms = _norms(grad, dims, keepdim=True)
    # u has one unit vector in each place that a norm is taken of
    along = (grad / norms).view_as(clip)
    height = step * (merged.numel() / norms.numel()) ** 0.5
    ends = [forward_fn(clip.detach() + sign * height * along).sum() for sign in (1, -1)]
    slope = (ends[0] - ends[1]) / (2 * height * norms.numel())
    return norms.mean() + slope - slope.detach()


def _checked_dims(clip: Tensor, reduction: str) -> tuple[int, ...]:
    """Dimensions that the norm is taken over, once views are merged into the batch."""
    one_of(reduction, REDUCTIONS, 'reduction')
    if clip.ndim not in (4, 5, 6):
        raise ValueError(
            'clip must be (B, C, T, H, W), (B, N, C, T, H, W), (B, N, C, H, W) or '
            f'(B, C, H, W), got {tuple(clip.shape)}'
        )
    return (1, 2, 3) if reduction == 'official' else tuple(range(1, min(clip.ndim, 5)))


def _norms(grad: Tensor, dims: tuple[int, ...], keepdim: bool = False) -> Tensor:
    return (grad.square().sum(dims, keepdim=keepdim) + PENALTY_EPS).sqrt()


def full_precision(x: Tensor) -> Tensor:
    """Half precision, as autocast gives it, to float32."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
