"""FAME: the moving foreground of one clip on another clip."""

from collections.abc import Sequence

import torch
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from ...utils.numbers import one_of
from ._foreground import HUE_MODES, foreground_masks
from .base import ClipBlending, Drawn, draw_partners


@MODELS.register_module()
class FAMEBlending(ClipBlending):
    """Paste the moving foreground of a clip on another clip; the label is that of the foreground.

    FAME, Ding et al., CVPR 2022: x' = m * x + (1 - m) * x[pi] with a mask m of the clip that all
    its frames share (see :func:`.foreground_masks`; one for each of the N views) and a random
    permutation pi of the batch, which may leave samples in place. The paper fuses one of two views
    for contrastive learning; as in StillMix's comparison, here only the augmentation is used.

    Args:
        num_classes: Number of classes K.
        mean: Of the data preprocessor, 3 numbers in the units of the 0-255 image, for RGB.
        std: Likewise.
        fg_fraction: Share beta of the pixels in the mask, in (0, 1].
        hue_mode: ``'kornia_literal'``: colours are coded as in the released code, which multiplies
            a hue that is an angle already by 2 pi once more; ``'hue01'``: as it was meant.
        prob: Probability of a sample to be augmented.

    Raises:
        ValueError: For an illegal argument.
    """

    def __init__(
        self,
        num_classes: int,
        mean: Sequence[float],
        std: Sequence[float],
        fg_fraction: float = 0.5,
        hue_mode: str = 'kornia_literal',
        prob: float = 1.0,
    ) -> None:
        super().__init__(num_classes, prob)
        self.mean, self.std = self._colour('mean', mean), self._colour('std', std)
        self.fg_fraction = self._number('fg_fraction', fg_fraction, above=0, high=1)
        self.hue_mode = one_of(hue_mode, HUE_MODES, f'{self.name}.hue_mode')

    def draw(self, clips: Tensor, rows: list[int], data_samples: SampleList | None) -> Drawn | None:
        """See the parent class."""
        partners = draw_partners(len(clips))
        rows = [row for row in rows if partners[row] != row]
        if not rows:
            return None
        self._check_channels(clips)
        found = self.masks([view for row in rows for view in clips[row]])
        masks = dict(zip(rows, found.view(len(rows), -1, 1, 1, *found.shape[1:]), strict=True))

        def fill(row: int, out: Tensor) -> None:
            torch.where(masks[row], clips[row], clips[partners[row]], out=out)

        return Drawn(rows, fill)

    def masks(self, clips: Sequence[Tensor] | Tensor) -> Tensor:
        """Masks of clips.

        Args:
            clips: M normalised clips, (3, T, H, W) each.

        Returns:
            Tensor: bool (M, H, W).
        """
        return foreground_masks(clips, self.mean, self.std, self.fg_fraction, self.hue_mode)
