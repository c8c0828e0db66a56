import itertools
import math

import pytest
import torch
from mmaction.structures import ActionDataSample

from albar_mm.models.utils.person_masks import (
    fill_people,
    num_frames,
    person_boxes_of,
    person_masks,
)


def brute_force(boxes, frames, height, width, truncate):
    """Every pixel asked whether its square and a box have more than a border in common.

    Or whether it is in the slice of the truncated corners that lie in the picture.
    """
    out = torch.zeros(len(boxes), frames, height, width, dtype=torch.bool)
    for b, rows in enumerate(boxes):
        for frame, x1, y1, x2, y2 in rows.tolist():
            for y, x in itertools.product(range(height), range(width)):
                touches = x < math.ceil(x2) and x + 1 > x1 and y < math.ceil(y2) and y + 1 > y1
                out[b, int(frame), y, x] |= touches and not truncate
            if truncate:
                top, low = int(max(y1, 0)), int(max(y2, 0))
                out[b, int(frame), top:low, int(max(x1, 0)) : int(max(x2, 0))] = True
    return out


@pytest.mark.parametrize('truncate', [False, True])
def test_random_boxes_are_their_union(truncate):
    generator = torch.Generator().manual_seed(0)
    boxes = []
    for count in (0, 1, 7, 20):
        corners = torch.rand((count, 2), generator=generator) * 14 - 3
        sizes = torch.rand((count, 2), generator=generator) * 6 + 0.1
        frames = torch.randint(3, (count, 1), generator=generator)
        boxes.append(torch.cat([frames, corners, corners + sizes], 1))
    found = person_masks(boxes, 3, 9, 11, 'cpu', truncate)
    assert found.dtype == torch.bool and found.shape == (4, 3, 9, 11)
    assert torch.equal(found, brute_force(boxes, 3, 9, 11, truncate)) and not found[0].any()


@pytest.mark.parametrize(
    'box, columns, lines',
    [
        ((1, 2, 3, 4), [1, 2], [2, 3]),
        ((1.2, 2.9, 2.1, 3.0), [1, 2], [2]),
        ((-5, -5, 0.5, 9), [0], [0, 1, 2, 3, 4]),
        ((3.9, 4.1, 4.0, 99), [3], [4]),
        ((6, 0, 8, 5), [], []),
        ((2, 2, 2, 4), [], []),
        ((3, 0, 1, 5), [], []),
    ],
)
def test_parts_of_pixels_and_borders(box, columns, lines):
    mask = person_masks([torch.tensor([[0.0, *box]])], 1, 5, 5, 'cpu')[0, 0]
    assert mask.any(0).nonzero().flatten().tolist() == columns
    assert mask.any(1).nonzero().flatten().tolist() == lines
    assert mask.sum() == len(columns) * len(lines)


@pytest.mark.parametrize(
    'row',
    [(3, 0, 0, 1, 1), (-1, 0, 0, 1, 1), (0, float('nan'), 0, 1, 1), (float('inf'), 0, 0, 1, 1)],
)
def test_wrong_frames_and_numbers(row):
    boxes = [torch.zeros(2, 5), torch.zeros(0, 5), torch.tensor([[0.0, 0, 0, 1, 1], row])]
    with pytest.raises(ValueError, match='person_boxes of sample 2: .* frame from 0 to 2'):
        person_masks(boxes, 3, 4, 4, 'cpu')


def test_field_is_named_when_it_is_missing():
    good, bad = ActionDataSample(), ActionDataSample()
    good.person_boxes = torch.zeros(0, 5)
    assert len(person_boxes_of([good], 'Somebody')) == 1
    told = 'Somebody needs the person boxes.* sample 1 .*LoadPersonBoxes'
    with pytest.raises(ValueError, match=told):
        person_boxes_of([good, bad], 'Somebody')


def by_loops(inputs, masks):
    """Filled clips by plain loops over frames, channels and pixels."""
    out = inputs.clone()
    for b, f in itertools.product(range(len(inputs)), range(masks.shape[1])):
        n, t = divmod(f, masks.shape[1] // inputs.shape[1])
        at = (b, n, slice(None), t) if inputs.ndim == 6 else (b, f)
        for frame, target in zip(inputs[at], out[at], strict=True):  # of a channel
            target[masks[b, f]] = sum(frame.flatten().tolist()) / frame.numel()
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
    assert torch.equal(fill_people(raw, masks), raw)
    masks[0, 0, 1:3, 1:3] = True
    torch.testing.assert_close(
        fill_people((raw - 100) / 50, masks), (fill_people(raw, masks) - 100) / 50
    )
