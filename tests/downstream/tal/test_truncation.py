"""Random windows by the published draws."""

import random

import numpy as np
import pytest

from downstream.tal.truncation import TRIES, truncate

SEGMENTS = np.array([[-1.0, 3], [5, 9], [12, 19.5]])


@pytest.mark.parametrize(
    'seed, max_len, margin, first, size, kept, segments',
    [
        (3, 8, 0, 3, 8, [1], [[2, 6]]),
        (3, 8, 2, 3, 8, [0, 1], [[-2, 0], [2, 6]]),
        (0, 2304, 0, 1, 19, [0, 1, 2], [[0, 2], [4, 8], [11, 18.5]]),
        (0, 2304, 2, 1, 19, [0, 1, 2], [[-2, 2], [4, 8], [11, 18.5]]),
    ],
)
def test_published_draws(seed, max_len, margin, first, size, kept, segments):
    crop_ratio = None if max_len == 8 else (0.9, 1.0)
    window = truncate(20, SEGMENTS, max_len, random.Random(seed), 0.5, crop_ratio, margin)
    assert (window.first, window.size) == (first, size)
    assert np.flatnonzero(window.kept).tolist() == kept
    assert window.segments.tolist() == segments


def test_a_video_that_is_taken_whole_keeps_everything():
    for length, ratio in ((20, None), (20, (1.0, 1.0))):
        window = truncate(length, SEGMENTS, 64, random.Random(0), 0.5, ratio)
        assert (window.first, window.size) == (0, 20) and window.segments is SEGMENTS


def test_windows_hold_an_action_if_they_can():
    draws = random.Random(0)
    one = np.array([[40.0, 44]])
    for _ in range(200):
        window = truncate(50, one, 10, draws)
        ((begin, end),) = window.segments
        assert 0 <= begin < end <= 10 and end - begin >= 2
    assert truncate(50, np.zeros((0, 2)), 10, draws).segments.shape == (0, 2)


def test_after_many_draws_the_last_one_is_taken():
    class Counted:
        calls = 0

        def randint(self, first, last):
            self.calls += 1
            return first

    draws = Counted()
    window = truncate(5000, np.array([[4000.0, 4100]]), 64, draws)
    assert draws.calls == TRIES and not window.kept.any() and window.first == 0
