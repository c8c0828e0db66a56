"""The stripe generator against the worked numbers of the SCUBA recipe."""

import numpy as np
import pytest

from albar_mm.benchmark.stripes import SIDE, stripe_column, stripe_image


def bands(column):
    edges = np.flatnonzero(np.diff(np.r_[False, column, False].astype(int)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


@pytest.mark.parametrize('y, half, spacing, expected', [
    (128, 10, 40, [(0, 18), (38, 58), (78, 98), (118, 138), (158, 178), (198, 218), (238, 258),
                   (278, 298), (318, 338), (358, 378)]),
    (238, 20, 60, [(0, 15), (38, 75), (98, 135), (158, 195), (218, 255), (278, 315), (338, 375)]),
])
def test_worked_columns(y, half, spacing, expected):
    column = stripe_column(y, half, spacing)
    assert bands(column) == expected
    assert column.sum() == sum(b - a for a, b in expected)


def test_image_has_two_complementary_colours_and_follows_the_seed():
    image = stripe_image(np.random.RandomState(3))
    assert image.shape == (SIDE, SIDE, 3) and image.dtype == np.uint8
    colours = np.unique(image.reshape(-1, 3), axis=0).astype(int)
    assert len(colours) == 2
    assert np.abs(colours.sum(0) - 254.5).max() <= 0.5  # both truncated from 255c and 255(1 - c)
    assert np.array_equal(image, stripe_image(np.random.RandomState(3)))
    assert not np.array_equal(image, stripe_image(np.random.RandomState(4)))


def test_coverage_range():
    share = []
    for seed in range(30):
        image = stripe_image(np.random.RandomState(seed)).reshape(-1, 3)
        base = (255 * np.random.RandomState(seed).uniform(0, 1, size=3)).astype(np.uint8)
        share.append(1 - (image == base).all(1).mean())
    assert 0.40 <= np.mean(share) <= 0.667
