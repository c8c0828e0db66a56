"""Compositing against the formula of the recipe."""

import numpy as np
import pytest

from albar_mm.compositing.render import composite


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
