"""Several mini-batch blendings, one after the other."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor


@MODELS.register_module()
class ChainedBlending:
    """Applies blendings in order; each works on what the one before left.

    So a config keeps its own blending when a debiasing method is mixed in. After a blending that
    mixes labels the next one is given soft labels, rows of class probabilities.

    Args:
        blendings: Configs of the blendings, or the blendings themselves.

    Raises:
        ValueError: None is given.
    """

    def __init__(self, blendings: Sequence[Mapping[str, Any] | Any]) -> None:
        if not blendings:
            raise ValueError('ChainedBlending.blendings is empty: name at least one blending')
        self.blendings = [MODELS.build(dict(b)) if isinstance(b, Mapping) else b for b in blendings]

    def __call__(self, imgs: Tensor, batch_data_samples: SampleList) -> tuple[Tensor, SampleList]:
        """Blend a batch.

        Args:
            imgs: (B, N, C, T, H, W) or (B, N, C, H, W).
            batch_data_samples: B samples with ``gt_label``.

        Returns:
            Blended images and the samples.
        """
        for blending in self.blendings:
            imgs, batch_data_samples = blending(imgs, batch_data_samples)
        return imgs, batch_data_samples
