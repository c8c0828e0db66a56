"""The stripe generator against the worked numbers of the SCUBA recipe."""

import numpy as np
import pytest

from albar_mm.compositing.backgrounds import SIDE, stripe_columns, stripe_image


def bands(column):
    edges = np.flatnonzero(np.diff(np.r_[False, column, False].astype(int)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


FIRST = [(0, 18), *((38 + 40 * n, 58 + 40 * n) for n in range(9))]
SECOND = [(0, 15), (38, 75), (98, 135), (158, 195), (218, 255), (278, 315), (338, 375)]
WORKED = [(128, 10, 40, FIRST), (238, 20, 60, SECOND)]


@pytest.mark.parametrize('y, half, spacing, expected', WORKED)
def test_worked_columns(y, half, spacing, expected):
    columns = stripe_columns(np.array([y, 128.0, y]), half, spacing)
    assert columns.shape == (384, 3)
    assert bands(columns[:, 0]) == bands(columns[:, 2]) == expected
    assert columns[:, 0].sum() == sum(b - a for a, b in expected)


def column_as_published(y, half, spacing, canvas=384):
    """The recipe of the spec, band by band."""
    painted = np.zeros(canvas, bool)
    lo, hi = int(max(0, y - half)), int(min(255, y + half))
    painted[lo:hi] = True
    n = 1
    while int(hi - n * spacing) > 0:
        painted[max(0, int(lo - n * spacing)) : int(hi - n * spacing)] = True
        n += 1
    n = 1
    while int(lo + n * spacing) < canvas:
        painted[int(lo + n * spacing) : min(canvas, int(hi + n * spacing))] = True
        n += 1
    return painted


def test_columns_are_those_of_the_recipe():
    rng = np.random.RandomState(0)
    for _ in range(100):
        half = rng.uniform(5, 20)
        spacing, y = half * rng.uniform(3, 5), rng.uniform(18, 238, 40)
        expected = np.stack([column_as_published(v, half, spacing) for v in y], axis=1)
        assert np.array_equal(stripe_columns(y, half, spacing), expected)


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
