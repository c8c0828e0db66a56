"""Frames without a mask, every policy worked by hand."""

import numpy as np
import pytest

from albar_mm.bias_sets.survey import POLICIES, fill_missing
from albar_mm.utils.errors import DatasetError

#: number of the mask in every frame, 0 = none:        frame 0  1  2  3  4  5  6  7  8
NUMBERS = np.array([0, 1, 0, 0, 0, 2, 0, 3, 0])


def masks_of(numbers):
    """Mask n has its only pixel in column n - 1."""
    masks = np.zeros((len(numbers), 2, 3), bool)
    for t, number in enumerate(numbers):
        if number:
            masks[t, 1, number - 1] = True
    return masks


def numbers_of(masks):
    return [int(mask[1].argmax()) + 1 if mask.any() else 0 for mask in masks]


@pytest.mark.parametrize(
    ('policy', 'first', 'filled', 'numbers'),
    [
        ('keep', 0, (0, 2, 3, 4, 6, 8), [0, 1, 0, 0, 0, 2, 0, 3, 0]),
        # frame 3 is as far from frame 1 as from frame 5: the earlier wins; so does 5 at frame 6
        ('cut', 1, (2, 3, 4, 6), [1, 1, 1, 2, 2, 2, 3]),
        ('nearest', 0, (0, 2, 3, 4, 6, 8), [1, 1, 1, 1, 2, 2, 2, 3, 3]),
        ('background', 1, (2, 3, 4, 6), [1, 0, 0, 0, 2, 0, 3]),
    ],
)
def test_policies(policy, first, filled, numbers):
    masks = masks_of(NUMBERS)
    before = masks.copy()
    kept, *others = fill_missing(masks, policy)
    assert others == [first, filled] and numbers_of(kept) == numbers
    assert np.array_equal(masks, before)


def test_frames_behind_those_that_a_source_covers_are_not_kept():
    """As published: of the frames of a clip, as many as its file of masks has."""
    kept, *others = fill_missing(masks_of(NUMBERS), 'keep', covered=7)
    assert others == [0, (0, 2, 3, 4, 6)] and numbers_of(kept) == [0, 1, 0, 0, 0, 2, 0]
    for policy in set(POLICIES) - {'keep', 'error'}:
        found = [fill_missing(masks_of(NUMBERS), policy, covered=n) for n in (None, 7)]
        assert found[0][1:] == found[1][1:] and np.array_equal(found[0][0], found[1][0])


def test_error_names_the_frames():
    with pytest.raises(DatasetError, match=r'^video v: 6 of 9 frames have no mask \(frames 0, '):
        fill_missing(masks_of(NUMBERS), 'error', 'v')
    kept, *others = fill_missing(masks_of([1, 2, 3]), 'error')
    assert len(kept) == 3 and others == [0, ()]


@pytest.mark.parametrize('policy', POLICIES)
def test_no_mask_at_all(policy):
    with pytest.raises(DatasetError, match='^video v: none of its 4 frames has a mask; '):
        fill_missing(masks_of([0] * 4), policy, 'v')


def test_unknown_policy():
    with pytest.raises(ValueError, match="'drop'; expected one of keep, cut, nearest"):
        fill_missing(masks_of([1]), 'drop')
