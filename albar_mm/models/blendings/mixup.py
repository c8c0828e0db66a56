"""Mixup of clips."""

import torch
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from .base import ClipBlending, Drawn, draw_beta, draw_partners


@MODELS.register_module()
class ClipMixupBlending(ClipBlending):
    """Convex combination of two clips and of their labels.

    mixup, Zhang et al., ICLR 2018: x' = lam * x + (1 - lam) * x[pi] and y' = lam * y +
    (1 - lam) * y[pi] with lam ~ Beta(alpha, alpha) and a random permutation pi of the batch, which
    may leave samples in place. lam is drawn once per mini-batch, as in StillMix's code.

    MMAction2's ``MixupBlending`` has no probability per sample and needs several temporaries of the
    size of the batch; with ``prob=1`` both have the same distribution.

    Args:
        num_classes: Number of classes K.
        alpha: Parameter of the Beta distribution, > 0.
        prob: Probability of a sample to be augmented.

    Raises:
        ValueError: For an illegal argument.
    """

    mixes_labels = True

    def __init__(self, num_classes: int, alpha: float = 0.2, prob: float = 1.0) -> None:
        super().__init__(num_classes, prob)
        self.alpha = self._number('alpha', alpha, above=0.0)

    def draw(self, clips: Tensor, rows: list[int], data_samples: SampleList | None) -> Drawn:
        """See the parent class."""
        partners, lam = draw_partners(len(clips)), draw_beta(self.alpha, self.alpha)
        rows = [row for row in rows if partners[row] != row]

        def fill(row: int, out: Tensor) -> None:
            torch.lerp(clips[partners[row]], clips[row], lam, out=out)

        return Drawn(rows, fill, [partners[row] for row in rows], [lam] * len(rows))
