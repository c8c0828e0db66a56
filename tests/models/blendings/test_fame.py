import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from albar_mm.models.blendings import _foreground as fame
from albar_mm.models.blendings import fame as fame_blending

from .blend_batches import MEAN, STD, clips, make, samples


@pytest.fixture
def published(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[3] / 'benchmarks'))
    import _published_fame

    yield _published_fame.published_fame_masks
    sys.modules.pop('_published_fame')


def smooth_clips(batch, frames=6, height=64, width=64, seed=0, dtype=torch.float64):
    """Blobs of colour, a part of which moves; no two pixels alike."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand((batch, 3, 2, 5, 5), generator=generator, dtype=dtype)
    video = F.interpolate(coarse, (frames, height, width), mode='trilinear', align_corners=True)
    moving = torch.zeros(height, width, dtype=dtype)
    moving[height // 4 : height // 2 + 5, width // 3 : 3 * width // 4] = 1
    still = video[:, :, :1]
    video = 0.9 * (moving * video + (1 - moving) * still)
    video = video + 0.1 * torch.rand(video.shape, generator=generator, dtype=dtype)
    mean, std = (torch.tensor(x, dtype=dtype).view(3, 1, 1, 1) for x in (MEAN, STD))
    return (255 * video - mean) / std


@pytest.mark.parametrize(
    'name, rgb, literal, hue01',
    [
        ('red', (1, 0, 0), 960, 960),
        ('green', (0, 1, 0), 979, 983),
        ('blue', (0, 0, 1), 997, 913),
        ('yellow', (1, 1, 0), 970, 988),
        ('grey', (0.5, 0.5, 0.5), 556, 556),
        ('black', (0, 0, 0), 56, 56),
        ('white', (1, 1, 1), 956, 956),
    ],
)
def test_colour_codes(name, rgb, literal, hue01):
    pixel = torch.tensor(rgb, dtype=torch.float32).view(1, 3, 1, 1)
    assert fame.colour_codes(pixel, 'kornia_literal').item() == literal, name
    assert fame.colour_codes(pixel, 'hue01').item() == hue01, name


def test_all_colours_have_a_code_in_range():
    line = torch.linspace(0, 1, 24)
    rgb = torch.cartesian_prod(line, line, line).T.view(1, 3, 24, -1)
    for mode in fame.HUE_MODES:
        codes = fame.colour_codes(rgb, mode)
        assert codes.min() >= 1 and codes.max() <= 1000
    far_out = fame.colour_codes(10 * rgb - 5, 'hue01')  # padding after normalisation, say
    assert far_out.min() >= 1 and far_out.max() <= 1000


@pytest.mark.parametrize('height, width', [(40, 40), (31, 57)])
def test_blur_is_a_dense_gaussian_with_reflected_border(height, width):
    maps = torch.rand(2, height, width, dtype=torch.float64)
    size = int(0.1 * min(height, width)) // 2 * 2 + 1
    sigma, radius = size / 3, size // 2
    padded = np.pad(maps.numpy(), ((0, 0), (radius, radius), (radius, radius)), mode='reflect')
    expected, total = np.zeros(maps.shape), 0.0
    for y in range(size):
        for x in range(size):
            weight = np.exp(-((y - radius) ** 2 + (x - radius) ** 2) / (2 * sigma**2))
            expected += weight * padded[:, y : y + height, x : x + width]
            total += weight
    np.testing.assert_allclose(fame.smooth(maps).numpy(), expected / total, atol=1e-12)


def test_largest_marks_exactly_so_many_and_the_first_of_equals():
    values = torch.tensor([[1.0, 3.0, 3.0, 2.0, 3.0], [0.0, 0.0, 0.0, 0.0, 0.0]])
    assert fame.largest(values, 2).int().tolist() == [[0, 1, 1, 0, 0], [1, 1, 0, 0, 0]]
    assert fame.largest(values, 0).sum() == 0 and fame.largest(values, 5).all()
    torch.manual_seed(0)  # equal values, which are possible, would be taken in another order
    random = torch.rand(3, 500)
    for count in (1, 77, 499):
        expected = torch.zeros(3, 500, dtype=torch.bool)
        expected.scatter_(1, random.topk(count, 1).indices, True)
        assert torch.equal(fame.largest(random, count), expected)


def test_ratio_of_frequencies_by_hand():
    """Front seeds 7, 7, 9; back seed 7; 1000 colours count once more behind."""
    codes = torch.tensor([[7, 7, 9, 7, 1000]])
    front, back = torch.tensor([[[1, 1, 1, 0, 0]], [[0, 0, 0, 1, 0]]]).bool()
    found = fame.foreground_ratio(codes, front, back)[0]
    seven, nine = (2 / 3) / (2 / 3 + 2 / 1001), (1 / 3) / (1 / 3 + 1 / 1001)
    expected = torch.tensor([seven, seven, nine, seven, 0.0], dtype=torch.float64)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize('hue_mode', fame.HUE_MODES)
@pytest.mark.parametrize('height, width, fraction', [(64, 64, 0.5), (48, 80, 0.3)])
def test_same_mask_as_the_published_order_of_operations(
    published, hue_mode, height, width, fraction
):
    video = smooth_clips(3, height=height, width=width)
    ours = make('FAMEBlending', hue_mode=hue_mode, fg_fraction=fraction).masks(video)
    assert ours.dtype == torch.bool and ours.shape == (3, height, width)
    assert torch.equal(ours, published(video, MEAN, STD, fraction, hue_mode))
    assert not torch.equal(ours[0], ours[1])


def test_mask_finds_what_moves():
    """A square of its own colour that moves over a flat background."""
    video = torch.full((1, 3, 8, 60, 60), 0.2)
    for t in range(8):
        video[0, :, t, 20:40, 5 + 4 * t : 25 + 4 * t] = torch.tensor([0.9, 0.2, 0.1]).view(3, 1, 1)
    mean, std = (torch.tensor(x).view(3, 1, 1, 1) for x in (MEAN, STD))
    mask = make('FAMEBlending', fg_fraction=0.25).masks((video * 255 - mean) / std)[0]
    path = torch.zeros(60, 60, dtype=torch.bool)
    path[20:40, 5:53] = True
    assert (mask & path).sum() / mask.sum() > 0.85


def test_clip_is_merged_with_the_partner_and_all_frames_share_the_mask(monkeypatch):
    monkeypatch.setattr(fame_blending, 'draw_partners', lambda batch: [2, 1, 0, 3])
    inputs = clips(4, views=2, frames=5, side=32)
    method = make('FAMEBlending')
    out, _ = method(inputs, samples(inputs))
    assert torch.equal(out[[1, 3]], inputs[[1, 3]])  # fixed points of the permutation
    for b, other in ((0, 2), (2, 0)):
        masks = method.masks(inputs[b])
        mask = masks[:, None, None].to(inputs.dtype)
        assert torch.equal(out[b], mask * inputs[b] + (1 - mask) * inputs[other])
        assert masks[0].sum() == 512 and not torch.equal(masks[0], masks[1])


@pytest.mark.parametrize('frames', [1, 4])
@pytest.mark.parametrize('value', ['black', 'random'])
def test_static_clip_gives_no_nan(frames, value):
    inputs = clips(2, frames=1, side=40).expand(-1, -1, -1, frames, -1, -1).contiguous()
    if value == 'black':
        inputs = inputs * 0 - (torch.tensor(MEAN) / torch.tensor(STD)).view(3, 1, 1, 1)
    torch.manual_seed(0)
    for _ in range(3):
        out, _ = make('FAMEBlending')(inputs, samples(inputs))
        assert out.isfinite().all()
    assert make('FAMEBlending').masks(inputs[:, 0]).flatten(1).sum(1).tolist() == [800, 800]


def test_autocast_does_not_change_the_mask():
    video = smooth_clips(2, dtype=torch.float32)
    expected = make('FAMEBlending').masks(video)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(make('FAMEBlending').masks(video), expected)


def test_needs_rgb(monkeypatch):
    monkeypatch.setattr(fame_blending, 'draw_partners', lambda batch: [1, 2, 0])
    inputs = torch.randn(3, 1, 2, 4, 8, 8)
    with pytest.raises(ValueError, match='needs RGB clips, got 2 channels'):
        make('FAMEBlending')(inputs, samples(inputs))
