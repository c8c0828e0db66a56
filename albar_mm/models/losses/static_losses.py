"""The terms of ALBAR as registered modules over :mod:`albar_mm.models.losses.functional`."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from mmaction.registry import MODELS
from torch import Tensor, nn

from ...utils.numbers import number, one_of
from .functional import (
    REDUCTIONS,
    adversarial_cross_entropy,
    difference_penalty,
    gradient_penalty,
    negative_entropy,
)

ESTIMATES = ('exact', 'difference')


@dataclass(frozen=True)
class StaticPass:
    """Everything one forward pass over static clips leaves behind.

    Attributes:
        logits: (B, K), averaged over views when the head returns one row per view.
        labels: int64 (B,) or float (B, K) class probabilities.
        clip: The static clip as fed to the network, (B, N, C, T, H, W) or (B, N, C, H, W). It
            requires a gradient only if an active term has ``needs_input_grad``.
        forward_fn: Maps another clip of that layout to logits under the same settings and with the
            same random numbers (dropout, drop-path).
        iter: Training iteration, counted from 0 (0 outside a runner).
    """

    logits: Tensor
    labels: Tensor
    clip: Tensor
    forward_fn: Callable[[Tensor], Tensor]
    iter: int = 0


class StaticLoss(nn.Module):
    """One term on the static pass; ``forward(ctx: StaticPass)`` returns the raw scalar to minimise.

    The recogniser adds ``weight * forward(ctx)`` to the loss as ``loss_static_<name>``. Terms hold
    no parameters or buffers, so a checkpoint stays that of the plain recogniser.

    Args:
        weight: Finite, >= 0. A term of weight 0 is not computed.
        name: Overrides the class's short name, needed when one type is listed twice.

    Raises:
        ValueError: For a weight that is negative or not finite.
    """

    #: Short name: key of the weighted term and handle for :class:`StaticWeightHook`.
    default_name: ClassVar[str]
    #: Whether the term differentiates the logits with respect to the clip.
    needs_input_grad: ClassVar[bool] = False
    #: Log key of the raw value; None when the recogniser's monitors already show it.
    monitor: ClassVar[str | None] = None

    @property
    def differentiates_twice(self) -> bool:
        """Whether its gradient needs second derivatives of the network."""
        return self.needs_input_grad

    def __init__(self, weight: float = 1.0, name: str | None = None) -> None:
        super().__init__()
        self.name = name or self.default_name
        self.weight = weight

    @property
    def weight(self) -> float:
        """Factor of the term in the total loss."""
        return self._weight

    @weight.setter
    def weight(self, value: float) -> None:
        self._weight = number(value, f'{type(self).__name__}.weight', 0, error=ValueError)

    def extra_repr(self) -> str:
        """Show name and weight when the model is printed."""
        return f'name={self.name!r}, weight={self.weight}'


@MODELS.register_module()
class StaticAdversarialLoss(StaticLoss):
    """Minus the cross-entropy of the static clip (ALBAR, weight 1 in paper and code).

    Args:
        weight: See :class:`StaticLoss`. Defaults to 1.
        cap: Cross-entropy in nats beyond which a sample stops contributing; ``'chance'`` is log K.
            Defaults to None, as in the paper.
        name: See :class:`StaticLoss`.
    """

    default_name = 'adv'

    def __init__(
        self, weight: float = 1.0, cap: float | str | None = None, name: str | None = None
    ) -> None:
        super().__init__(weight, name)
        if cap is not None and cap != 'chance':
            what = "StaticAdversarialLoss.cap, if not None or 'chance'"
            cap = number(cap, what, above=0, error=ValueError)
        self.cap = cap

    def forward(self, ctx: StaticPass) -> Tensor:
        """Return the scalar term, in (-inf, 0]."""
        cap = math.log(ctx.logits.shape[1]) if self.cap == 'chance' else self.cap
        return adversarial_cross_entropy(ctx.logits, ctx.labels, cap)


@MODELS.register_module()
class StaticEntropyLoss(StaticLoss):
    """Negative entropy of the static prediction (ALBAR; weight 4 in the paper, 4.25 in its code).

    Args:
        weight: See :class:`StaticLoss`. Defaults to 4.
        name: See :class:`StaticLoss`.
    """

    default_name = 'ent'

    def __init__(self, weight: float = 4.0, name: str | None = None) -> None:
        super().__init__(weight, name)

    def forward(self, ctx: StaticPass) -> Tensor:
        """Return the scalar term, in [-log K, 0]."""
        return negative_entropy(ctx.logits)


@MODELS.register_module()
class StaticGradientPenalty(StaticLoss):
    """Norm of the gradient of the summed logits by the static clip (ALBAR, weight 10).

    The summed logit is the direction which softmax ignores: a head whose class weights sum to zero
    has no penalty, without any change of its probabilities. A network that ends in BatchNorm,
    average pooling and a linear layer (UniFormer) has none either while BatchNorm uses batch
    statistics, as the sum over the batch is then a constant: set ``static.norm='running'`` there.

    Args:
        weight: See :class:`StaticLoss`. Defaults to 10, which belongs to ``'official'``.
        reduction: ``'official'`` (as in the released code) or ``'sample'`` (the norm over the
            whole clip, as the paper writes it). See :func:`gradient_penalty`.
        estimate: ``'exact'``, or ``'difference'``: the same value, its gradient from two further
            forward passes in place of a second derivative (:func:`difference_penalty`), for
            networks or kernels that have none.
        step: Of ``'difference'``, in the units of the normalised clip.
        name: See :class:`StaticLoss`.
    """

    default_name = 'gp'
    needs_input_grad = True
    monitor = 'static_penalty'

    def __init__(
        self,
        weight: float = 10.0,
        reduction: str = 'official',
        name: str | None = None,
        estimate: str = 'exact',
        step: float = 0.001,
    ) -> None:
        super().__init__(weight, name)
        self.reduction = one_of(reduction, REDUCTIONS, 'StaticGradientPenalty.reduction')
        self.estimate = one_of(estimate, ESTIMATES, 'StaticGradientPenalty.estimate')
        self.step = number(step, 'StaticGradientPenalty.step', above=0, error=ValueError)

    @property
    def differentiates_twice(self) -> bool:
        """See the parent class."""
        return self.estimate == 'exact'

    def forward(self, ctx: StaticPass) -> Tensor:
        """Return the scalar term, >= 1e-6."""
        if self.estimate == 'exact':
            return gradient_penalty(ctx.logits, ctx.clip, self.reduction)
        return difference_penalty(ctx.logits, ctx.clip, ctx.forward_fn, self.reduction, self.step)
