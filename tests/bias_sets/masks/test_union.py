"""The Kinetics recipe: union over neighbour frames, and the filter on mask cover."""

import numpy as np
import pytest

from albar_mm.bias_sets.masks.folders import PngMasks
from albar_mm.bias_sets.masks.source import CoverFilter, UnionMasks, unite_neighbours
from albar_mm.utils.errors import DatasetError

from .toy_masks import blank_video, write_pngs


def strip(*columns):
    """Frames of 1 x 6 px with the given columns set."""
    masks = np.zeros((len(columns), 1, 6), bool)
    for t, which in enumerate(columns):
        masks[t, 0, list(which)] = True
    return masks


def test_radius_1_by_hand():
    masks = strip([0], [1], [], [], [4])
    expected = strip([0, 1], [0, 1], [1], [4], [4])
    assert np.array_equal(unite_neighbours(masks, 1), expected)


def test_other_radii_by_hand():
    masks = strip([0], [], [], [3], [])
    assert np.array_equal(unite_neighbours(masks, 0), masks)
    assert np.array_equal(unite_neighbours(masks, 2), strip([0], [0, 3], [0, 3], [3], [3]))
    everywhere = strip([0, 3])[[0] * 5]
    assert np.array_equal(unite_neighbours(masks, 9), everywhere)


def test_persons_and_saliency_in_folders(tmp_path):
    persons = np.zeros((4, 2, 6), np.uint8)
    saliency = np.zeros((4, 2, 6), np.uint8)
    persons[0, 0, 1] = 1  # spreads to frame 1
    persons[3, 1, 5] = 60  # any value but 0 counts; spreads to frame 2
    saliency[2, 0, 4] = 255  # spreads to frames 1 and 3
    write_pngs(tmp_path / 'persons' / 'wave' / 'clip', persons)
    write_pngs(tmp_path / 'saliency' / 'clip', saliency)
    source = UnionMasks(PngMasks(tmp_path / 'persons'), PngMasks(tmp_path / 'saliency'))
    video = blank_video(4, 2, 6)
    found = {tuple(map(int, place)) for place in np.argwhere(source.masks(video))}
    assert found == {(0, 0, 1), (1, 0, 1), (1, 0, 4), (2, 0, 4), (2, 1, 5), (3, 0, 4), (3, 1, 5)}
    assert source.name == 'union(png,png)'
    assert len(source.files(video)) == 8
    with pytest.raises(DatasetError, match='holds 4 masks of 6x2 px, but .* has 5 frames'):
        source.masks(blank_video(5, 2, 6))


@pytest.mark.parametrize(
    ('good', 'pixels', 'kept'),
    [
        (18, 20, True),  # exactly 90 % of the frames, exactly 10 % of the pixels
        (17, 20, False),
        (18, 19, False),
        (20, 20, True),
        (18, 200, True),
    ],
)
def test_filter_at_the_boundary(good, pixels, kept):
    masks = np.zeros((20, 10, 20), bool)
    masks[:good].reshape(good, -1)[:, :pixels] = True
    assert (not CoverFilter().reason(masks)) is kept
    passing = good if pixels >= 20 else 0
    reason = f'{passing} of 20 frames have a mask of at least 10 % of the image; 90 % are required'
    assert CoverFilter().reason(masks) == ('' if kept else reason)


def test_filter_does_not_round_at_the_boundary():
    """0.55 * 100 and 0.07 * 100 are a little more than 55 and 7 in floats."""
    assert 0.55 * 100 > 55 and 0.07 * 100 > 7
    masks = np.zeros((100, 10, 10), bool)
    masks[:55, 0, :7] = True
    assert not CoverFilter(0.55, 0.07).reason(masks)
    masks[0, 0, 0] = False
    assert CoverFilter(0.55, 0.07).reason(masks)


def test_other_limits():
    masks = np.zeros((4, 2, 2), bool)
    masks[:2, 0, 0] = True
    assert not CoverFilter(0.5, 0.25).reason(masks)
    assert CoverFilter(0.75, 0.25).reason(masks) and CoverFilter(0.5, 0.3).reason(masks)
