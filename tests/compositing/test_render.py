"""Compositing against the formula of the recipe, and where the still of Confl-FG goes."""

import numpy as np
import pytest

from albar_mm.compositing.render import (
    Still,
    composite,
    fit_still,
    mean_column,
    paste_still,
    shift_away,
)


def columns(width, *ranges, rows=4, frames=None):
    mask = np.zeros((rows, width), bool)
    for first, last in ranges:
        mask[1:3, first : last + 1] = True
    return mask if frames is None else np.stack([mask] * frames)


def test_mean_column():
    assert mean_column(columns(20, (2, 4))) == 3
    two = np.stack([columns(20, (0, 0)), columns(20, (9, 9))])
    assert mean_column(two) == 4.5


@pytest.mark.parametrize(
    ('still', 'host', 'expected'),
    [
        ((40, 50), (10, 20), 49),  # half of 100 to the right would leave the picture at 99
        ((40, 50), (80, 90), -40),  # to the left until it touches the border
        ((10, 20), (10, 20), 50),  # the full half
        ((90, 99), (80, 90), -50),
        ((45, 54), (45, 54), 45),  # equally far: right
        ((0, 99), (10, 20), 0),  # no room
        ((48, 58), (50, 52), -48),  # right of the host, but the left has more room
    ],
)
def test_shift(still, host, expected):
    assert shift_away(columns(100, still), columns(100, host, frames=3)) == expected


def test_paste_changes_nothing_but_the_moved_mask():
    rng = np.random.RandomState(0)
    frame, background = rng.randint(0, 256, (2, 4, 20, 3)).astype(np.uint8)
    mask = columns(20, (3, 5))
    pasted = paste_still(background, Still(frame, mask), 10)
    expected = background.copy()
    expected[1:3, 13:16] = frame[1:3, 3:6]
    assert np.array_equal(pasted, expected)


def test_fit():
    frame = np.zeros((4, 6, 3), np.uint8)
    mask = columns(6, (2, 3))
    same = Still(frame, mask)
    assert fit_still(same, 4, 6) is same
    larger = fit_still(Still(frame, mask), 8, 12)
    assert larger.frame.shape == (8, 12, 3) and larger.frame.dtype == np.uint8
    assert np.array_equal(larger.mask, np.kron(mask, np.ones((2, 2), bool)))
    thin = np.zeros((64, 64), bool)
    thin[:, 33] = True  # nearest neighbour keeps every fourth column: 0, 4, …, 32, 36
    smaller = fit_still(Still(np.zeros((64, 64, 3), np.uint8), thin), 16, 16)
    assert smaller.mask.any(0).nonzero()[0].tolist() == [8]


def test_worked_numbers():
    frame = np.full((1, 1, 2, 3), [[200], [10]], np.uint8)
    background = np.full((1, 2, 3), [[50.0], [99.7]])
    mask = np.array([[[True, False]]])
    assert composite(frame, mask, background)[0, 0].tolist() == [[200] * 3, [99] * 3]


@pytest.mark.parametrize('shape', [(3, 7, 11), (2, 16, 32)])
def test_formula(shape):
    rng = np.random.RandomState(0)
    frames = rng.randint(0, 256, (*shape, 3)).astype(np.uint8)
    background = rng.uniform(0, 256, (*shape[1:], 3))
    masks = rng.rand(*shape) < 0.4
    m = masks[..., None].astype(float)
    expected = (frames * m + background * (1 - m)).astype(np.uint8)
    buffer = np.full(frames.shape, 77, np.uint8)
    assert composite(frames, masks, background, buffer) is buffer
    assert np.array_equal(buffer, expected)
    # views that are not contiguous, as decoders and cuts give them
    assert np.array_equal(
        composite(frames[..., ::-1], masks, background[..., ::-1]), expected[..., ::-1]
    )
    assert np.array_equal(composite(frames[1:], masks[1:], background), expected[1:])


def test_shapes_must_fit():
    frames, masks = np.zeros((2, 4, 5, 3), np.uint8), np.zeros((2, 4, 5), bool)
    for wrong in ((masks[:1], np.zeros((4, 5, 3))), (masks, np.zeros((5, 4, 3)))):
        with pytest.raises(ValueError, match='do not fit together'):
            composite(frames, *wrong)
