"""Person boxes of a batch as masks, and masking people out, on the device."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .static_frames import time_axis


def person_boxes_of(data_samples: Sequence[Any], who: str) -> list[Tensor]:
    """Read the field ``person_boxes`` of every sample.

    Args:
        data_samples: The samples.
        who: Who needs the boxes, for messages.

    Returns:
        One tensor (n, 5) per sample, rows ``frame, x1, y1, x2, y2``.

    Raises:
        ValueError: A sample has no such field, or it is of another shape.
    """
    for index, sample in enumerate(data_samples):
        if 'person_boxes' not in sample:
            raise ValueError(
                f'{who} needs the person boxes of every clip, but sample {index} of the batch has '
                'no person_boxes: put LoadPersonBoxes(file=...) after the decoding step, '
                'PackPersonBoxes() before FormatShape, and '
                "PackActionInputs(algorithm_keys=('person_boxes',)) into the training pipeline"
            )
        shape = tuple(sample.person_boxes.shape)
        if len(shape) != 2 or shape[1] != 5:
            raise ValueError(
                f'{who}: person_boxes of sample {index} of the batch must be (n, 5) '
                f'with rows frame, x1, y1, x2, y2, got {shape}'
            )
    return [sample.person_boxes for sample in data_samples]


def person_masks(
    boxes: Sequence[Tensor],
    frames: int,
    height: int,
    width: int,
    device: torch.device | str,
    truncate: bool = False,
) -> Tensor:
    """Union of the person boxes of every frame.

    A box covers each pixel that it touches: columns floor(x1) to ceil(x2) - 1, likewise lines. What
    lies outside of the picture is cut off. The polygons that SDN's code draws cover these pixels,
    and one more column or line where x2 or y2 is whole.

    A box is the product of a vector of lines and one of columns, so the only full-size arrays are
    the masks themselves, written once for each box of the frame that has most.

    Args:
        boxes: One tensor (n, 5) per sample, rows ``frame, x1, y1, x2, y2`` in px, x2 and y2
            exclusive; n may be 0.
        frames: Number of frames F of a sample; ``frame`` is n*T + t for views of T frames.
        height: H of the clips.
        width: W of the clips.
        device: Where to make the masks.
        truncate: Cover columns int(x1) to int(x2) - 1, likewise lines, as the code of ActorCutMix
            does.

    Returns:
        Tensor: bool (B, F, H, W).

    Raises:
        ValueError: A box is not finite or of a frame that the clip does not have.
    """
    counts = torch.tensor([len(rows) for rows in boxes], device='cpu')
    sample = torch.repeat_interleave(torch.arange(len(boxes), device='cpu'), counts)
    # a few hundred numbers: one copy, and no waiting for a device afterwards
    rows = torch.cat([row.float() for row in boxes]).cpu()
    bad = ~(rows.isfinite().all(1) & (rows[:, 0] >= 0) & (rows[:, 0] < frames))
    if bad.any():
        first = int(bad.nonzero()[0])
        raise ValueError(
            f'person_boxes of sample {int(sample[first])}: {rows[first].tolist()} is '
            f'no finite box of a frame from 0 to {frames - 1}; are the boxes those of '
            'the sampled frames?'
        )
    place = sample * frames + rows[:, 0].long()
    order = place.argsort(stable=True)
    place, rows = place[order], rows[order]
    rank = torch.arange(len(place), device='cpu') - torch.searchsorted(place, place)
    most, count = int(rank.max()) + 1 if len(rank) else 1, len(boxes) * frames
    _, x1, y1, x2, y2 = rows[:, :, None].unbind(1)
    # bytes, as PyTorch's operations on bool are much slower on a CPU
    lines, columns = (
        torch.zeros((most, count, side), dtype=torch.uint8, device='cpu')
        for side in (height, width)
    )
    whole = torch.trunc if truncate else torch.ceil
    for covered, low, high in ((lines, y1, y2), (columns, x1, x2)):
        pixel = torch.arange(covered.shape[2], device='cpu')
        inside = (pixel >= low.floor()) & (pixel < whole(high))
        covered[rank, place] = inside.to(torch.uint8)
    lines, columns = lines.to(device)[..., None], columns.to(device)[..., None, :]
    masks = lines[0] & columns[0]
    for i in range(1, most):
        masks |= lines[i] & columns[i]
    return masks.view(torch.bool).view(len(boxes), frames, height, width)


def num_frames(inputs: Tensor) -> int:
    """Number of frames of a sample: N*T of (B, N, C, T, H, W), N of (B, N, C, H, W)."""
    return inputs.shape[1] * (inputs.shape[3] if time_axis(inputs) == 3 else 1)


def fill_people(inputs: Tensor, masks: Tensor) -> Tensor:
    """Fill the masked pixels of every frame with the mean colour of that frame.

    SDN (Choi et al., NeurIPS 2019) fills boxes in the decoded video, before cropping, with the
    frame's mean colour rounded to whole numbers. Here the *augmented* clip is filled on the device,
    after normalisation: the mean is that of the cropped frame, people included, per channel, and
    not rounded. Normalisation is affine, so filling before it would give the same.

    Args:
        inputs: (B, N, C, T, H, W) or (B, N, C, H, W), any value range; not changed.
        masks: bool (B, F, H, W) from :func:`.person_masks`, frame index n*T + t, or n for 2D.

    Returns:
        Tensor: Like ``inputs``.
    """
    batch, views = inputs.shape[:2]
    height, width = inputs.shape[-2:]
    if time_axis(inputs) == 3:
        masks = masks.view(batch, views, 1, -1, height, width)
    else:
        masks = masks.view(batch, views, 1, height, width)
    mean = inputs.mean((-2, -1), keepdim=True)
    return torch.where(masks, mean, inputs)
