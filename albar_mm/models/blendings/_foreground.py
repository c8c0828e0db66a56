"""The moving foreground of a clip without any network (FAME's mask)."""

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

HUE_MODES = ('kornia_literal', 'hue01')
SEED_FOREGROUND, SEED_BACKGROUND = 0.5, 0.1
CODES = 1000
_EPS = 1e-6  # of the saturation, as in kornia


def foreground_masks(
    clips: Sequence[Tensor] | Tensor, mean: Tensor, std: Tensor, fraction: float, hue_mode: str
) -> Tensor:
    """Masks of the moving foreground.

    FAME, Ding et al., CVPR 2022, Section 3.2: pixels that change most seed the foreground, those
    that change least the background; colours that are more frequent in the foreground's seeds make
    the mask. The released code scales the maps to [0, 1] before it takes their largest pixels;
    that does not change which they are, and a static clip needs no care, so it is left out. Of
    equal pixels the upper left ones are taken.

    Args:
        clips: M normalised clips, (3, T, H, W) each; a tensor (M, 3, T, H, W) will do.
        mean: (3,), in the units of the 0-255 image.
        std: (3,), likewise.
        fraction: Share of the pixels in the mask.
        hue_mode: See :func:`colour_codes`.

    Returns:
        Tensor: bool (M, H, W) with int(fraction * H * W) ones each; a mask is for all T frames.
    """
    device = clips[0].device.type
    with torch.autocast(device, enabled=False):
        # on a CPU one clip at a time, whose sums stay in the cache; on a GPU all at once
        parts = [clip[None] for clip in clips] if device == 'cpu' else [torch.stack(list(clips))]
        found = [_motion_and_mean(part) for part in parts]
        motion, average = (torch.cat(maps) for maps in zip(*found, strict=True))
        scale, shift = (x.to(average).view(3, 1, 1) / 255 for x in (std, mean))
        difference = smooth((motion * scale).sum(1))
        size = difference[0].numel()
        difference = difference.flatten(1)
        codes = colour_codes(average * scale + shift, hue_mode).flatten(1)
        foreground = largest(difference, int(SEED_FOREGROUND * size))
        background = largest(-difference, int(SEED_BACKGROUND * size))
        ratio = foreground_ratio(codes, foreground, background)
        refined = smooth(ratio.to(average.dtype).view_as(motion[:, 0]))
        return largest(refined.flatten(1), int(fraction * size)).view_as(refined)


def _motion_and_mean(clips: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over time of |x_t - x_{t+1}| and of x_t, (M, 3, H, W), frame by frame.

    There is no temporary of the size of the clip. Half precision is summed in float32.
    """
    dtype = torch.promote_types(clips.dtype, torch.float32)
    frames = clips.unbind(2)
    last = frames[0].to(dtype)
    total = last.clone(memory_format=torch.contiguous_format)
    motion, change = torch.zeros_like(total), torch.empty_like(total)
    for frame in frames[1:]:
        current = frame.to(dtype)
        torch.sub(current, last, out=change)
        motion += change.abs_()
        total += current
        last = current
    return motion.div_(max(len(frames) - 1, 1)), total.div_(len(frames))


def smooth(maps: Tensor) -> Tensor:
    """Gaussian blur with kernel size int(0.1 * side) // 2 * 2 + 1 and sigma a third of it.

    ``side`` is the shorter one of the image; the border is reflected. Done as two products with
    banded matrices, which on maps of this size is faster than a convolution and not subject to the
    reduced precision of convolutions on a GPU.

    Args:
        maps: (M, H, W).
    """
    height, width = maps.shape[-2:]
    kernel = kernel_size(min(height, width))
    if kernel == 1:
        return maps
    down = _blur_matrix(height, kernel).to(maps)
    right = _blur_matrix(width, kernel).to(maps)
    return down @ maps @ right.T


def kernel_size(side: int) -> int:
    """Size of the blur: 23 at 224 px, 11 at 112 px."""
    return int(0.1 * side) // 2 * 2 + 1


@lru_cache(maxsize=8)
def _blur_matrix(size: int, kernel: int) -> Tensor:
    """float64 (size, size); row i holds the weights of the blurred pixel i."""
    offsets = torch.arange(kernel, device='cpu') - kernel // 2
    weights = torch.exp(-0.5 * (offsets.double() / (kernel / 3)) ** 2)
    weights /= weights.sum()
    source = (torch.arange(size, device='cpu')[:, None] + offsets).abs()
    source = (size - 1) - ((size - 1) - source).abs()
    matrix = torch.zeros((size, size), dtype=torch.float64, device='cpu')
    return matrix.scatter_add_(1, source, weights.expand(size, -1))


def largest(values: Tensor, count: int) -> Tensor:
    """Mark exactly the ``count`` largest values of each row; of equal ones the first.

    Args:
        values: (M, P).
        count: From 0 to P.

    Returns:
        Tensor: bool (M, P).
    """
    if count == 0:
        return torch.zeros_like(values, dtype=torch.bool)
    least = values.shape[1] - count
    if values.device.type == 'cpu':
        threshold = values.kthvalue(least + 1, dim=1, keepdim=True).values
    else:  # kthvalue refuses to run on a GPU with deterministic algorithms
        threshold = values.sort(dim=1).values[:, least : least + 1]
    above, equal = values > threshold, values == threshold
    room = count - above.sum(1, keepdim=True)
    return above | (equal & (equal.cumsum(1) <= room))


def colour_codes(rgb: Tensor, hue_mode: str) -> Tensor:
    """Code each colour by hue and saturation, 10 x 10 cells of the disc, and 10 values.

    hx = (S cos t + 1) / 2, hy = (S sin t + 1) / 2, q(u) = round(9 u + 1) (half to even) and the
    code is q(hx) + 10 (q(hy) - 1) + 100 (q(V) - 1), as in FAME's code.

    Args:
        rgb: (M, 3, H, W) in [0, 1].
        hue_mode: ``'hue01'``: t is the angle of the hue. ``'kornia_literal'``: t is that angle
            times 2 pi, as the released code computes it from a hue that is an angle already; hues
            that are alike are then in cells far from each other.

    Returns:
        Tensor: int64 (M, H, W) in [1, 1000].
    """
    value, strongest = rgb.max(1)
    chroma = value - rgb.amin(1)
    saturation = chroma / (value + _EPS)
    chroma = torch.where(chroma == 0, 1, chroma)
    red, green, blue = rgb.unbind(1)
    # sixths of the circle; of equal channels the first one counts
    hue = torch.where(
        strongest == 0, green - blue, torch.where(strongest == 1, blue - red, red - green)
    )
    hue = (hue / chroma + 2 * strongest).remainder(6) / 6
    angle = hue * (2 * math.pi if hue_mode == 'hue01' else 4 * math.pi**2)
    cells = (((saturation * part + 1) / 2) for part in (angle.cos(), angle.sin()))
    across, up, bright = ((9 * u + 1).round() for u in (*cells, value))
    # colours outside of [0, 1], from padding or an odd normalisation, go to the nearest cell
    across, up, bright = (cell.clamp(1, 10) for cell in (across, up, bright))
    return (across + 10 * (up - 1) + 100 * (bright - 1)).long()


def foreground_ratio(codes: Tensor, foreground: Tensor, background: Tensor) -> Tensor:
    """Share of the foreground in the frequency of each pixel's colour.

    Args:
        codes: int64 (M, P) in [1, 1000].
        foreground: bool (M, P), seeds.
        background: bool (M, P), seeds. Each colour counts once more there, so none has frequency 0.

    Returns:
        Tensor: float64 (M, P) in [0, 1].
    """
    count = len(codes)
    bins = codes - 1 + CODES * torch.arange(count, device=codes.device)[:, None]

    def frequency(seeds: Tensor, extra: int) -> Tensor:
        found = torch.bincount(bins[seeds], minlength=count * CODES).view(count, CODES) + extra
        return found.double() / found.sum(1, keepdim=True).clamp(min=1)

    in_front, behind = frequency(foreground, 0), frequency(background, 1)
    return (in_front / (in_front + behind)).flatten()[bins]
