"""Background subtraction on a clip whose moving part is known."""

import numpy as np
import pytest

from albar_mm.bias_sets.masks.refine import MotionMasks, keep_pieces

from .test_grabcut import textured
from .toy_masks import blank_video, iou, video_of


def walking_square(noise=0, difference=90):
    """A square of 16 px walks 16 px a frame, so that no place is covered twice."""
    rng = np.random.RandomState(0)
    ground = textured(60, 160).astype(int)
    frames = np.repeat(ground[None], 7, 0)
    masks = np.zeros((7, 60, 160), bool)
    for t in range(7):
        masks[t, 20:36, 10 + 18 * t : 26 + 18 * t] = True
    frames[masks] += difference
    frames += rng.randint(-noise, noise + 1, frames.shape)
    return video_of(np.clip(frames, 0, 255)), masks


@pytest.mark.parametrize('noise', [0, 8])
def test_walking_square(noise):
    video, truth = walking_square(noise)
    masks = MotionMasks().masks(video)
    assert all(iou(a, b) > 0.85 for a, b in zip(masks, truth, strict=True))


def test_threshold_is_taken_from_the_noise_or_given():
    video, truth = walking_square(noise=0, difference=20)
    assert iou(MotionMasks().masks(video), truth) > 0.9
    assert iou(MotionMasks(threshold=19).masks(video), truth) > 0.9
    assert not MotionMasks(threshold=21).masks(video).any()
    loud, _ = walking_square(noise=12, difference=0)
    assert MotionMasks().masks(loud).mean() < 0.001


def test_a_still_clip_has_no_masks():
    assert not MotionMasks().masks(blank_video(4, 30, 40)).any()


def test_limits_that_are_documented():
    """An actor who stays longer than half of the clip becomes background."""
    video, truth = walking_square()
    frames = video.frames[[2, 2, 2, 2, 2, 5, 6]]
    assert not (MotionMasks().masks(video_of(frames))[0] & truth[2]).any()


def test_pieces_by_hand():
    mask = np.array(
        [[1, 0, 0, 1, 1], [0, 1, 0, 0, 0], [0, 0, 0, 0, 1]], bool
    )  # 2 (they touch at a corner), 2 and 1 pixels
    kept = keep_pieces(mask, 2)
    first, second = [True, False, False, True, True], [False, True, False, False, False]
    assert kept.tolist() == [first, second, [False] * 5]
    assert np.array_equal(keep_pieces(mask, 1), mask) and not keep_pieces(mask, 3).any()
    assert not keep_pieces(np.zeros((3, 3), bool), 0).any()


def test_small_pieces_go():
    video, truth = walking_square()
    assert not MotionMasks(min_area=0.03).masks(video).any()  # 256 of 9600 pixels are 2.7 %
    assert MotionMasks(min_area=0.02).masks(video).any()
    assert truth[0].mean() == pytest.approx(256 / 9600)
