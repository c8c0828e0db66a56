"""GrabCut on figures whose outline is known."""

import cv2
import numpy as np
import pytest

from albar_mm.bias_sets.masks.refine import CORE, ellipse, padded_box, silhouette

from .toy_masks import iou


def textured(height, width, seed=0):
    """Grass: green noise, rough and fine."""
    rng = np.random.RandomState(seed)
    rough = cv2.resize(rng.rand(height // 6, width // 6), (width, height))
    light = 60 + 70 * rough + 25 * rng.rand(height, width)
    return np.dstack([light * 0.45, light, light * 0.4]).astype(np.uint8)


def disc(height=90, width=120, centre=(60, 45), radius=22):
    """A disc of red noise on grass, its true outline and its box."""
    frame = textured(height, width)
    mask = np.zeros((height, width), np.uint8)
    cv2.circle(mask, centre, radius, 1, -1)
    mask = mask > 0
    rng = np.random.RandomState(1)
    frame[mask] = np.array([190, 60, 60]) + rng.randint(-25, 25, (mask.sum(), 3))
    x, y = centre
    return frame, mask, np.array([x - radius, y - radius, x + radius + 1, y + radius + 1])


def cut_out(frame, box, padding=0.05, **options):
    limit = padded_box(box, padding, frame.shape[1], frame.shape[0])
    return silhouette(frame, box, limit, **options)


@pytest.mark.parametrize('loose', [0, 8])
def test_disc_on_texture(loose):
    frame, truth, box = disc()
    box = box + [-loose, -loose, loose, loose]
    filled = np.zeros_like(truth)
    filled[box[1] : box[3], box[0] : box[2]] = True
    assert iou(cut_out(frame, box), truth) > 0.9 > iou(filled, truth)


def test_large_cut_outs_are_shrunk_and_a_box_may_be_the_whole_image():
    frame, truth, box = disc(400, 500, (250, 200), 120)
    assert iou(cut_out(frame, box), truth) > 0.9
    # its corners are the background to tell the actor from
    frame, truth, _ = disc(radius=40)
    assert iou(cut_out(frame, np.array([0, 0, 120, 90]), 0), truth) > 0.9


def test_ellipse_by_hand():
    """Of 4 x 4 px only the corners are out: (1.5 / 2)^2 + (1.5 / 2)^2 > 1."""
    found = ellipse(np.array([2, 1, 6, 5]), (1.0, 1.0), (6, 7)).astype(int)
    middle, wide = [0, 0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1, 0]
    assert found.tolist() == [[0] * 7, middle, wide, wide, middle, [0] * 7]
    area = ellipse(np.array([0, 0, 200, 100]), CORE, (100, 200)).sum()
    assert area == pytest.approx(np.pi / 4 * CORE[0] * 200 * CORE[1] * 100, rel=0.01)


def test_a_part_that_looks_like_the_surroundings_is_kept_in_the_middle():
    """A figure with a red coat and grass-coloured legs; the legs stand in the middle of the box."""
    frame = textured(90, 120)
    rng = np.random.RandomState(2)
    frame[15:50, 48:72] = np.array([190, 60, 60]) + rng.randint(-20, 20, (35, 24, 3))
    box = np.array([44, 12, 76, 84])
    found = cut_out(frame, box)
    assert found[15:50, 48:72].mean() > 0.95
    assert found[50:70, 59:61].all() and not found[50:80, 44:48].any()


def test_never_outside_of_the_limit():
    frame, truth, box = disc()
    narrow = box + [12, 12, -12, -12]  # the disc reaches beyond it on all sides
    limit = padded_box(narrow, 0.1, 120, 90)
    found = silhouette(frame, narrow, limit)
    found[limit[1] : limit[3], limit[0] : limit[2]] = False
    assert not found.any()


def test_deterministic_whatever_ran_before():
    frame, _, box = disc()
    first = cut_out(frame, box)
    cv2.setRNGSeed(77)
    cut_out(textured(90, 120, 3), box, seed=5)
    assert np.array_equal(cut_out(frame, box), first)


def test_a_prior_outside_of_the_limit_is_ignored():
    frame, _, box = disc()
    limit = padded_box(box, 0.05, 120, 90)
    prior = np.zeros((90, 120), bool)
    prior[:5, :5] = True
    found = silhouette(frame, box, limit, prior)
    assert found.dtype == bool and not found[:5, :5].any()


@pytest.mark.parametrize('size', [1, 2, 3])
def test_tiny_boxes(size):
    frame, _, _ = disc()
    box = np.array([30, 30, 30 + size, 30 + size])
    found = cut_out(frame, box)
    assert not found[:29].any() and not found[33:].any()
