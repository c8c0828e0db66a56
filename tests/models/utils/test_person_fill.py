"""Filled clips against plain loops over frames, channels and pixels."""

import pytest
import torch

from albar_mm.models.utils.person_fill import fill_people, num_frames


def by_loops(inputs, masks):
    out = inputs.clone()
    views = inputs.shape[1]
    for b in range(len(inputs)):
        for f in range(masks.shape[1]):
            if inputs.ndim == 6:
                n, t = divmod(f, masks.shape[1] // views)
                frame, target = inputs[b, n, :, t], out[b, n, :, t]
            else:
                frame, target = inputs[b, f], out[b, f]
            for channel in range(frame.shape[0]):
                mean = sum(frame[channel].flatten().tolist()) / frame[channel].numel()
                target[channel][masks[b, f]] = mean
    return out


@pytest.mark.parametrize(
    'shape, frames', [((2, 1, 3, 4, 5, 6), 4), ((2, 3, 2, 2, 4, 5), 6), ((3, 4, 3, 5, 6), 4)]
)
def test_against_loops(shape, frames):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(shape, generator=generator)
    masks = torch.rand((shape[0], frames, *shape[-2:]), generator=generator) < 0.3
    assert num_frames(inputs) == frames
    before = inputs.clone()
    torch.testing.assert_close(fill_people(inputs, masks), by_loops(inputs, masks))
    assert torch.equal(inputs, before)


def test_the_mean_keeps_normalisation_out():
    """Filling before normalising gives the same: the mean of an affine map is its map."""
    raw = torch.randint(256, (1, 1, 3, 2, 4, 4)).float()
    masks = torch.zeros((1, 2, 4, 4), dtype=bool)
    masks[0, 0, 1:3, 1:3] = True
    torch.testing.assert_close(
        fill_people((raw - 100) / 50, masks), (fill_people(raw, masks) - 100) / 50
    )


def test_no_mask_changes_nothing():
    inputs = torch.randn(1, 4, 3, 5, 5)
    assert torch.equal(fill_people(inputs, torch.zeros((1, 4, 5, 5), dtype=bool)), inputs)
