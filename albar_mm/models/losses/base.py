"""What a static loss is given and what it must be."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from ...utils.numbers import number


@dataclass(frozen=True)
class StaticPass:
    """Everything one forward pass over static clips leaves behind.

    Attributes:
        logits: (B, K), averaged over views when the head returns one row per view.
        labels: int64 (B,) or float (B, K) class probabilities.
        clip: The static clip as fed to the network, (B, N, C, T, H, W) or (B, N, C, H, W). It
            requires a gradient only if an active term has ``needs_input_grad``.
        forward_fn: Maps another clip of that layout to logits under the same settings.
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
