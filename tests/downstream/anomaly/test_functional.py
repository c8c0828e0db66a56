"""Pooling, truth of frames and scores against worked numbers and scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from downstream.anomaly.functional import (
    FrameCounts,
    average_precision,
    bootstrap_interval,
    false_alarm_rate,
    frame_auc,
    frame_ground_truth,
    pool_segments,
    roc_auc,
)

# the published pooling of 70 snippets 0, 1, ..., 69: means of two, and of three where 70/32 adds up
STARTS = np.arange(33) * 70 // 32
SEVENTY = [(first + last - 1) / 2 for first, last in zip(STARTS, STARTS[1:], strict=False)]


def test_pooling_by_the_published_numbers():
    five = pool_segments(np.arange(5.0))
    assert five.tolist() == [0] * 7 + [1] * 6 + [2] * 7 + [3] * 6 + [4] * 6
    assert pool_segments(np.arange(70.0)).tolist() == SEVENTY
    assert SEVENTY[:7] == [0.5, 2.5, 4.5, 6.5, 8.5, 11, 13.5] and SEVENTY[-1] == 68
    assert np.array_equal(pool_segments(np.arange(32.0)), np.arange(32))
    assert pool_segments(np.arange(33.0))[-2:].tolist() == [30, 31.5]
    assert pool_segments(np.ones((1, 3, 4))).shape == (32, 3, 4)


@pytest.mark.parametrize('length, segments', [(1, 1), (7, 3), (100, 32), (31, 32), (1000, 7)])
def test_pooling_by_its_definition(length, segments):
    features = np.random.default_rng(length).normal(size=(length, 2, 3)).astype(np.float32)
    bounds = np.linspace(0, length, segments + 1, dtype=int)
    wanted = [
        features[a:b].mean(0) if b > a else features[a]
        for a, b in zip(bounds[:-1], bounds[1:], strict=True)
    ]
    assert pool_segments(features, segments) == pytest.approx(np.stack(wanted), abs=1e-6)


def test_pooling_of_nothing():
    with pytest.raises(ValueError, match=r'shape \(0, 3\) to 32 segments'):
        pool_segments(np.zeros((0, 3)))
    with pytest.raises(ValueError, match='to 0 segments'):
        pool_segments(np.zeros((4, 3)), 0)


def test_truth_of_frames():
    assert frame_ground_truth(8, [(2, 4)]).tolist() == [0, 0, 1, 1, 1, 0, 0, 0]
    assert frame_ground_truth(8, [(2, 4)], first_frame=1).tolist() == [0, 1, 1, 1, 0, 0, 0, 0]
    assert frame_ground_truth(8, [(0, 0), (6, 10)]).tolist() == [1, 0, 0, 0, 0, 0, 1, 1]
    assert not frame_ground_truth(8, []).any()


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
    with pytest.raises(ValueError, match=message):
        frame_ground_truth(8, events, first)


def test_scores_by_the_published_numbers():
    scores, truth = np.repeat([0.1, 0.9, 0.4, 0.4], 2), np.array([0, 0, 1, 1, 0, 1, 0, 0], bool)
    counts = FrameCounts.of_frames(scores, truth)
    assert frame_auc(scores, truth) == roc_auc(counts) == pytest.approx(0.9)
    assert average_precision(counts) == pytest.approx(0.8333333)


@pytest.mark.parametrize('levels', [3, 10, 10**6])
def test_scores_equal_those_of_scikit_learn(levels):
    random = np.random.default_rng(levels)
    scores, truth = random.integers(levels, size=5000) / levels, random.random(5000) < 0.2
    counts = FrameCounts.of_frames(scores, truth)
    assert roc_auc(counts) == pytest.approx(metrics.roc_auc_score(truth, scores), abs=1e-12)
    assert average_precision(counts) == pytest.approx(
        metrics.average_precision_score(truth, scores), abs=1e-12
    )


def test_snippets_count_like_their_frames():
    random = np.random.default_rng(0)
    parts, scores, truths = [], [], []
    for length in (1, 16, 17, 100):
        snippets = np.minimum(np.arange(length) // 16, max(0, length // 16 - 1))
        values, truth = random.random(snippets.max() + 1), random.random(length) < 0.3
        parts.append(FrameCounts.of_snippets(values, truth, snippets))
        scores.append(values[snippets])
        truths.append(truth)
    assert roc_auc(FrameCounts.joined(parts)) == pytest.approx(
        frame_auc(np.concatenate(scores), np.concatenate(truths)), abs=1e-12
    )


def test_false_alarms():
    counts = FrameCounts.of_frames([0.4, 0.5, 0.6, 0.9], [0, 0, 0, 1])
    assert false_alarm_rate(counts) == pytest.approx(2 / 3)
    assert false_alarm_rate(counts, 0.55) == pytest.approx(1 / 3)


def test_one_kind_of_frames_alone_gives_no_number():
    for truth in (np.zeros(3, bool), np.ones(3, bool)):
        assert np.isnan(frame_auc([0.1, 0.2, 0.3], truth))
    nothing = FrameCounts.joined([])
    for score in (roc_auc, average_precision, false_alarm_rate):
        assert np.isnan(score(nothing))


def test_scores_that_are_refused():
    with pytest.raises(ValueError, match='expected one score and one truth a frame'):
        frame_auc([0.1, 0.2], [True])
    with pytest.raises(ValueError, match='and finite scores'):
        frame_auc([0.1, np.nan], [True, False])
    with pytest.raises(ValueError, match='1 snippets, truth of shape'):
        FrameCounts.of_snippets([0.1], [True, False], [0])


def test_bootstrap_holds_the_truth_of_separated_and_of_random_scores():
    random = np.random.default_rng(0)
    parts = []
    for video in range(40):
        truth = np.repeat(random.random(8) < (0.5 if video % 2 else 0), 10)
        parts.append((truth, random.random(80)))
    chance = [FrameCounts.of_frames(noise, truth) for truth, noise in parts]
    low, high = bootstrap_interval(chance, 200)
    assert 0.4 < low < 0.5 < high < 0.6
    clear = [FrameCounts.of_frames(noise + 2 * truth, truth) for truth, noise in parts]
    assert bootstrap_interval(clear, 50) == (1, 1)
    with pytest.raises(ValueError, match='needs anomalous and normal frames'):
        bootstrap_interval(chance[:1])
