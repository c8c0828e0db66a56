"""BE: one frame of a clip is blended into all its frames."""

import torch
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from .base import ClipBlending, Drawn


@MODELS.register_module()
class BEBlending(ClipBlending):
    """Blend a random frame of a clip into all its frames; the label stays.

    Background erasing, Wang et al., CVPR 2021: x'_i = (1 - lam) * x_i + lam * x_j for all frames i,
    with one uniformly random frame j per clip (for each of the N views), lam ~ scale * U(0, 1).
    The paper pulls the features of both clips together without labels; as in StillMix's comparison,
    here only the augmentation is used, with the loss of the recogniser. lam is drawn once per
    mini-batch, as in that code. Differences of frames shrink by the factor 1 - lam.

    Args:
        num_classes: Number of classes K.
        scale: Largest weight of the frame, in (0, 1].
        prob: Probability of a sample to be augmented.

    Raises:
        ValueError: For an illegal argument.
    """

    def __init__(self, num_classes: int, scale: float = 0.3, prob: float = 1.0) -> None:
        super().__init__(num_classes, prob)
        self.scale = self._number('scale', scale, above=0, high=1)

    def draw(self, clips: Tensor, rows: list[int], data_samples: SampleList | None) -> Drawn:
        """See the parent class."""
        batch, views, _, frames = clips.shape[:4]
        lam = self.scale * torch.rand((), device='cpu').item()
        indices = torch.randint(frames, (batch, views), device='cpu').tolist()

        def fill(row: int, out: Tensor) -> None:
            for view, index in enumerate(indices[row]):
                clip = clips[row, view]
                torch.lerp(clip, clip[:, index : index + 1], lam, out=out[view])

        return Drawn(rows, fill)
