"""Recall@kx by hand and by plain loops."""

import numpy as np
import pytest

from downstream.tal.recall import recall_at

from .rows import overlap, random_test, segments


def at(truth, rows, tious=0.5, k=(1, 5), **options):
    return recall_at(segments(truth), segments(rows), tious, k, **options).tolist()


def test_by_hand():
    # class 0: two actions in a, one in b; class 1: one in a
    truth = [('a', 0, 10, 0), ('a', 20, 30, 0), ('b', 0, 10, 0), ('a', 40, 50, 1)]
    rows = [
        ('a', 50, 60, 0, 0.9),
        ('a', 0, 10, 0, 0.8),
        ('a', 20, 29, 0, 0.7),  # third: only at 5x
        ('b', 0, 4, 0, 0.9),
        ('b', 0, 5, 0, 0.1),  # IoU .4, then .5: equality counts
        ('a', 0, 1, 1, 0.2),
        ('b', 40, 50, 1, 0.9),
    ]  # never the right video
    assert at(truth, rows) == [[pytest.approx((1 / 3 + 0) / 2), pytest.approx((3 / 3 + 0) / 2)]]
    assert at(truth, rows, [0.4, 0.5, 0.95], 1) == [
        [pytest.approx(value)] for value in (2 / 6, 1 / 6, 1 / 6)
    ]


def test_one_detection_finds_all_that_it_overlaps():
    truth = [('a', 0, 10, 0), ('a', 1, 11, 0)]
    assert at(truth, [('a', 0, 11, 0, 0.9)], k=1) == [[1]]


def test_equal_scores_and_duplicates():
    rows = [('a', 0, 10, 0, 0.5), ('a', 50, 60, 0, 0.5)]
    assert at([('a', 0, 10, 0)], rows, k=1) == [[0]]
    assert at([('a', 0, 10, 0)], rows, k=1, ties='first') == [[1]]
    twice = [('a', 0, 10, 0), ('a', 0, 10.0005, 0)]
    assert at(twice, rows, k=1) == [[0]] and at(twice, rows, k=1, drop_duplicates=False) == [[1]]


@pytest.mark.parametrize('seed', range(10))
def test_against_plain_loops(seed):
    truth, rows = random_test(seed)
    tious, multiples = (0.3, 0.5, 0.7), (1, 2, 5)
    wanted = np.zeros((3, 3))
    classes = {row[3] for row in truth}
    for label in classes:
        own = [row for row in truth if row[3] == label]
        for i, tiou in enumerate(tious):
            for j, k in enumerate(multiples):
                found = 0
                for action in own:
                    count = sum(other[0] == action[0] for other in own)
                    best = sorted(
                        (row for row in rows if (row[0], row[3]) == (action[0], label)),
                        key=lambda row: -row[4],
                    )[: k * count]
                    found += any(overlap(row, action) >= tiou for row in best)
                wanted[i, j] += found / len(own) / len(classes)
    np.testing.assert_allclose(at(truth, rows, tious, multiples, drop_duplicates=False), wanted)


def test_no_detection_and_what_is_refused():
    truth = [('a', 0, 10, 0)]
    nothing = segments([('a', 0, 1, 0, 0.5)])
    assert recall_at(segments(truth), nothing).shape == (5, 2)
    assert at(truth, [('z', 0, 10, 7, 0.5)]) == [[0, 0]]
    for k in ([], 0, 1.5):
        with pytest.raises(ValueError, match='expected whole numbers of at least 1'):
            at(truth, [('a', 0, 10, 0, 0.5)], k=k)
