"""ActorCutMix: the people of one clip before the background of another."""

import torch
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from ..utils.person_masks import person_boxes_of, person_masks
from .base import ClipBlending, Drawn


@MODELS.register_module()
class ActorCutMixBlending(ClipBlending):
    """Keep the people of a clip and take the background, and some of the label, of another clip.

    ActorCutMix, Zou et al., ICLR 2022 workshop / CVIU 2023, as in StillMix's comparison. With m the
    person mask of a clip (union of its boxes, corners truncated to whole px) and b' = B - 1 - b,
    the partner in the flipped batch:

        x'_b = m_b * x_b + (1 - m_b) * (1 - m_b') * x_b'
        y'_b = w_b * y_b + (1 - w_b) * y_b',  w_b = 1 - (1 - mean(m_b))^4

    The background is masked twice: where the partner had people and the clip has none, pixels
    become 0, the mean colour. As in the released code, the mask of a clip without any person, or
    full of them, is set to 1: such a clip keeps its pixels and label, and as a partner it gives a
    background of 0. The clip in the middle of an odd batch is its own partner and stays. There is
    nothing random but ``prob``.

    Needs the field ``person_boxes`` (see :func:`.person_masks`), which the transforms
    ``LoadPersonBoxes`` and ``PackPersonBoxes`` write.

    Args:
        num_classes: Number of classes K.
        prob: Probability of a sample to be augmented.

    Raises:
        ValueError: For an illegal argument; when called, if a sample has no ``person_boxes``.
    """

    mixes_labels = True

    def draw(self, clips: Tensor, rows: list[int], data_samples: SampleList | None) -> Drawn:
        """See the parent class."""
        if data_samples is None:
            raise ValueError(
                f'{self.name} needs data samples with person_boxes, which '
                "MMAction2's RandomBatchAugment does not hand on: use the blending "
                'itself, or ChainedBlending'
            )
        boxes = person_boxes_of(data_samples, self.name)
        batch, views, _, frames, height, width = clips.shape
        size = (views * frames, height, width)
        used = sorted({*rows, *(batch - 1 - row for row in rows)})
        found = person_masks([boxes[i] for i in used], *size, clips.device, truncate=True)
        covered = torch.stack([mask.count_nonzero() for mask in found]).tolist()
        share = {i: count / found[0].numel() for i, count in zip(used, covered, strict=True)}
        masks = dict(zip(used, found.view(-1, views, 1, frames, height, width), strict=True))
        rows = [row for row in rows if 0 < share[row] < 1 and row != batch - 1 - row]
        partners = [batch - 1 - row for row in rows]

        def fill(row: int, out: Tensor) -> None:
            other = batch - 1 - row
            if 0 < share[other] < 1:
                compose(clips[row], masks[row], clips[other], masks[other], out)
            else:
                torch.mul(clips[row], masks[row].to(clips.dtype), out=out)

        return Drawn(rows, fill, partners, [1 - (1 - share[row]) ** 4 for row in rows])


def compose(clip: Tensor, mask: Tensor, other: Tensor, other_mask: Tensor, out: Tensor) -> None:
    """Write the people of a clip before the background of another.

    Products with 0 and 1, as selecting by a bool mask takes a CPU longer.

    Args:
        clip: (N, C, T, H, W).
        mask: Of its people, bool (N, 1, T, H, W).
        other: (N, C, T, H, W).
        other_mask: Of its people.
        out: (N, C, T, H, W), overwritten.
    """
    torch.mul(other, (~other_mask).to(out.dtype), out=out)
    out.lerp_(clip, mask.to(out.dtype))
