"""FAME's mask in its published order of operations: the "before" of ``method_cost.py``."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def published_fame_masks(
    clips: Tensor,
    mean: Sequence[float],
    std: Sequence[float],
    fraction: float = 0.5,
    hue_mode: str = 'kornia_literal',
) -> Tensor:
    """FAME's mask in the order of operations of the released code, written from a description.

    Whole clips are de-normalised and differenced at once, the blur is a dense 2D convolution, maps
    are scaled to [0, 1], index lists are made in Python, and histograms sample by sample.

    Args:
        clips: Normalised, (B, 3, T, H, W).
        mean: Of the normalisation, in the units of the 0-255 image.
        std: Likewise.
        fraction: Share of the pixels in the mask.
        hue_mode: ``'kornia_literal'`` or ``'hue01'``.

    Returns:
        Tensor: bool (B, H, W).
    """
    scale, shift = (clips.new_tensor(x).view(1, 3, 1, 1, 1) / 255 for x in (std, mean))
    video = clips * scale + shift
    batch, height, width = len(clips), clips.shape[3], clips.shape[4]
    pixels = height * width
    difference = (video[:, :, :-1] - video[:, :, 1:]).abs().sum(1).mean(1)
    difference = _unit_range(_dense_blur(difference)).flatten(1)
    front, back = int(0.5 * pixels), int(0.1 * pixels)
    front_at = difference.topk(front).indices.flatten()
    back_at = difference.topk(back, largest=False).indices.flatten()
    codes = _published_codes(video.mean(2), hue_mode).flatten(1)
    front_row = [row for i in range(batch) for row in [i] * front]
    back_row = [row for i in range(batch) for row in [i] * back]
    front_codes = codes[front_row, front_at].view(batch, -1)
    back_codes = codes[back_row, back_at].view(batch, -1)
    refined = []
    for i in range(batch):
        in_front = torch.histc(front_codes[i].to(clips.dtype), 1000, 1, 1001)
        behind = torch.histc(back_codes[i].to(clips.dtype), 1000, 1, 1001) + 1
        in_front, behind = in_front / in_front.sum(), behind / behind.sum()
        ratio = in_front / (in_front + behind)
        refined.append(ratio[codes[i] - 1].view(height, width))
    refined = _unit_range(_dense_blur(torch.stack(refined))).flatten(1)
    kept = int(fraction * pixels)
    rows = [row for i in range(batch) for row in [i] * kept]
    mask = torch.zeros_like(refined, dtype=torch.bool)
    mask[rows, refined.topk(kept).indices.flatten()] = True
    return mask.view(batch, height, width)


def _dense_blur(maps: Tensor) -> Tensor:
    size = int(0.1 * min(maps.shape[1:])) // 2 * 2 + 1
    steps = torch.arange(size, dtype=maps.dtype, device=maps.device) - size // 2
    line = torch.exp(-(steps**2) / (2 * (size / 3) ** 2))
    kernel = (line[:, None] * line) / line.sum() ** 2
    padded = F.pad(maps[:, None], (size // 2,) * 4, mode='reflect')
    return F.conv2d(padded, kernel[None, None])[:, 0]


def _unit_range(maps: Tensor) -> Tensor:
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return (maps - low) / (high - low + 1e-8)


def _published_codes(rgb: Tensor, hue_mode: str) -> Tensor:
    value, strongest = rgb.max(1)
    chroma = value - rgb.min(1).values
    saturation = chroma / (value + 1e-6)
    chroma = torch.where(chroma == 0, torch.ones_like(chroma), chroma)
    red, green, blue = (value[:, None] - rgb).unbind(1)
    hues = torch.stack([blue - green, red - blue + 2 * chroma, green - red + 4 * chroma], 1)
    hue = (hues / chroma[:, None]).gather(1, strongest[:, None])[:, 0] / 6 % 1
    angle = 2 * math.pi * hue
    if hue_mode == 'kornia_literal':  # kornia's hue is an angle already
        angle = angle * 2 * math.pi
    cells = [(saturation * f(angle) + 1) / 2 for f in (torch.cos, torch.sin)] + [value]
    across, up, bright = ((cell * 9 + 1).round().long() for cell in cells)
    return across + 10 * (up - 1) + 100 * (bright - 1)
