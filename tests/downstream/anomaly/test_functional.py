"""Pooling, truth of frames and scores against worked numbers and scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from downstream.anomaly import functional as F
from tests.refused import refused

# the published pooling of 70 snippets 0, 1, ..., 69: means of two, and of three where 70/32 adds up
STARTS = np.arange(33) * 70 // 32
SEVENTY = [(first + last - 1) / 2 for first, last in zip(STARTS, STARTS[1:], strict=False)]


def test_pooling_by_the_published_numbers():
    five = F.pool_segments(np.arange(5.0))
    assert five.tolist() == [0] * 7 + [1] * 6 + [2] * 7 + [3] * 6 + [4] * 6
    assert F.pool_segments(np.arange(70.0)).tolist() == SEVENTY
    assert SEVENTY[:7] == [0.5, 2.5, 4.5, 6.5, 8.5, 11, 13.5] and SEVENTY[-1] == 68
    assert np.array_equal(F.pool_segments(np.arange(32.0)), np.arange(32))
    assert F.pool_segments(np.arange(33.0))[-2:].tolist() == [30, 31.5]
    assert F.pool_segments(np.ones((1, 3, 4))).shape == (32, 3, 4)
    two = F.pool_segments(np.arange(70.0)[:, None] * [1, -1])
    assert np.array_equal(two.T, [SEVENTY, np.negative(SEVENTY)])
    assert F.pool_segments(np.arange(7.0), 3).tolist() == [0.5, 2.5, 5]
    for wrong, segments, message in (
        (np.zeros((0, 3)), 32, r'shape \(0, 3\) to 32 segments'),
        (np.zeros((4, 3)), 0, 'to 0 segments'),
    ):
        refused(message, F.pool_segments, wrong, segments, error=ValueError)


def test_truth_of_frames():
    assert F.frame_ground_truth(8, [(2, 4)]).tolist() == [0, 0, 1, 1, 1, 0, 0, 0]
    assert F.frame_ground_truth(8, [(2, 4)], first_frame=1).tolist() == [0, 1, 1, 1, 0, 0, 0, 0]
    assert F.frame_ground_truth(8, [(0, 0), (6, 10)]).tolist() == [1, 0, 0, 0, 0, 0, 1, 1]
    assert not F.frame_ground_truth(8, []).any()


@pytest.mark.parametrize(
    'events, first, message',
    [
        ([(6, 11)], 0, 'ends 4 frames past a video of 8 frames counted from 0'),
        ([(6, 12)], 1, 'ends 4 frames past'),
        ([(8, 9)], 0, 'not in a video of 8 frames'),
        ([(0, 3)], 1, 'not in a video of 8 frames counted from 1'),
        ([(4, 3)], 0, 'event 4 to 3: not in a video'),
        ([], 2, 'first_frame is 2; expected 0 or 1'),
    ],
)
def test_events_that_do_not_fit(events, first, message):
    refused(message, F.frame_ground_truth, 8, events, first, error=ValueError)


def test_scores_by_worked_numbers():
    scores, truth = np.repeat([0.1, 0.9, 0.4, 0.4], 2), np.array([0, 0, 1, 1, 0, 1, 0, 0], bool)
    counts = F.FrameCounts.of_frames(scores, truth)
    assert F.frame_auc(scores, truth) == F.roc_auc(counts) == pytest.approx(0.9)
    assert F.average_precision(counts) == pytest.approx(0.8333333)
    counts = F.FrameCounts.of_frames([0.4, 0.5, 0.6, 0.9], [0, 0, 0, 1])
    assert F.false_alarm_rate(counts) == pytest.approx(2 / 3)
    assert F.false_alarm_rate(counts, 0.55) == pytest.approx(1 / 3)
    for truth in (np.zeros(3, bool), np.ones(3, bool)):  # one kind of frames alone
        assert np.isnan(F.frame_auc([0.1, 0.2, 0.3], truth))
    for score in (F.roc_auc, F.average_precision, F.false_alarm_rate):
        assert np.isnan(score(F.FrameCounts.joined([])))
    for function, given, message in (
        (F.frame_auc, ([0.1, 0.2], [True]), 'expected one score and one truth a frame'),
        (F.frame_auc, ([0.1, np.nan], [True, False]), 'and finite scores'),
        (F.FrameCounts.of_snippets, ([0.1], [True, False], [0]), '1 snippets, truth of shape'),
    ):
        refused(message, function, *given, error=ValueError)


@pytest.mark.parametrize('levels', [3, 10**6])
def test_scores_equal_those_of_scikit_learn(levels):
    random = np.random.default_rng(levels)
    scores, truth = random.integers(levels, size=5000) / levels, random.random(5000) < 0.2
    counts = F.FrameCounts.of_frames(scores, truth)
    assert F.roc_auc(counts) == pytest.approx(metrics.roc_auc_score(truth, scores), abs=1e-12)
    wanted = metrics.average_precision_score(truth, scores)
    assert F.average_precision(counts) == pytest.approx(wanted, abs=1e-12)


def test_snippets_count_like_their_frames():
    random = np.random.default_rng(0)
    parts, scores, truths = [], [], []
    for length in (1, 16, 17, 100):
        snippets = np.minimum(np.arange(length) // 16, max(0, length // 16 - 1))
        values, truth = random.random(snippets.max() + 1), random.random(length) < 0.3
        parts.append(F.FrameCounts.of_snippets(values, truth, snippets))
        scores.append(values[snippets])
        truths.append(truth)
    wanted = F.frame_auc(np.concatenate(scores), np.concatenate(truths))
    assert F.roc_auc(F.FrameCounts.joined(parts)) == pytest.approx(wanted, abs=1e-12)


def test_bootstrap_holds_the_truth_of_separated_and_of_random_scores():
    random = np.random.default_rng(0)
    parts = []
    for video in range(40):
        truth = np.repeat(random.random(8) < (0.5 if video % 2 else 0), 10)
        parts.append((truth, random.random(80)))
    chance = [F.FrameCounts.of_frames(noise, truth) for truth, noise in parts]
    low, high = F.bootstrap_interval(chance, 200)
    assert 0.4 < low < 0.5 < high < 0.6
    clear = [F.FrameCounts.of_frames(noise + 2 * truth, truth) for truth, noise in parts]
    assert F.bootstrap_interval(clear, 50) == (1, 1)
    refused('needs anomalous and normal frames', F.bootstrap_interval, chance[:1], error=ValueError)
