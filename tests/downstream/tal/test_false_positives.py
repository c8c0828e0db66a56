"""Kinds of errors by hand, one after another, and by plain loops."""

import numpy as np
import pytest

from downstream.tal.false_positives import KINDS, false_positives

from .rows import overlap, random_test, segments

TRUTH = [('a', 0, 10, 0), ('a', 20, 30, 1), ('b', 0, 10, 1)]


def counted(truth, rows, **options):
    counts = false_positives(segments(truth), segments(rows), **options).counts
    return {kind: int(count) for kind, count in zip(KINDS, counts.sum(0), strict=True) if count}


@pytest.mark.parametrize(
    'row, kind',
    [
        (('a', 0, 9, 0, 0.9), 'true_positive'),
        (('a', 0, 5, 0, 0.9), 'true_positive'),  # IoU .5: equality counts
        (('a', 21, 30, 0, 0.9), 'wrong_label'),  # IoU .9 with class 1
        (('a', 25, 30, 0, 0.9), 'wrong_label'),  # IoU .5
        (('a', 0, 4, 0, 0.9), 'localisation'),  # IoU .4 with its class
        (('a', 0, 1, 0, 0.9), 'localisation'),  # IoU .1
        (('a', 20, 24, 0, 0.9), 'confusion'),  # IoU .4 with class 1
        (('a', 20, 20.9, 0, 0.9), 'background'),  # IoU .09
        (('a', 12, 15, 0, 0.9), 'background'),  # on nothing
        (('b', 0, 9, 0, 0.9), 'wrong_label'),  # its class is not in that video
        (('c', 0, 9, 0, 0.9), 'background'),  # nothing is in that video
    ],
)
def test_each_kind(row, kind):
    assert counted(TRUTH, [row]) == {kind: 1}


def test_the_second_on_one_action_is_a_double_detection():
    rows = [('a', 0, 9, 0, 0.9), ('a', 0, 10, 0, 0.8), ('a', 0, 4, 0, 0.7)]
    assert counted(TRUTH, rows) == dict(true_positive=1, double_detection=1, localisation=1)


def test_the_nearest_action_decides():
    truth = [('a', 0, 10, 0), ('a', 2, 12, 1)]
    rows = [('a', 0, 10, 0, 0.9), ('a', 2, 12, 0, 0.8), ('a', 1, 10, 0, 0.7)]
    assert counted(truth, rows) == dict(true_positive=1, wrong_label=1, double_detection=1)


def test_thresholds():
    row = ('a', 0, 4, 0, 0.9)
    assert counted(TRUTH, [row], tiou=0.4) == dict(true_positive=1)
    assert counted(TRUTH, [row], background=0.41) == dict(background=1)


def test_of_two_classes_on_one_segment_the_own_one_decides():
    truth = [('a', 0, 10, 4), ('a', 0, 10, 7)]
    rows = [('a', 0, 10, 7, 0.9), ('a', 0, 9, 7, 0.8), ('a', 0, 3, 7, 0.7)]
    assert counted(truth, rows) == dict(true_positive=1, double_detection=1, localisation=1)
    assert counted(truth, rows, own_first=False) == dict(
        true_positive=1, wrong_label=1, confusion=1
    )
    assert counted(truth[::-1], rows, own_first=False) == counted(truth, rows)


def test_multiples_of_the_number_of_actions():
    """Two actions of class 0: rows of two detections; one of class 1: rows of one."""
    truth = [('a', 0, 10, 0), ('a', 20, 30, 0), ('a', 40, 50, 1)]
    rows = [
        ('a', 0, 10, 0, 0.9),
        ('a', 0, 9, 0, 0.8),  # right, double
        ('a', 20, 30, 0, 0.7),
        ('a', 60, 70, 0, 0.6),  # right, background
        ('a', 60, 70, 0, 0.5),  # the fifth of class 0
        ('a', 40, 50, 1, 0.3),
        ('a', 40, 43, 1, 0.2),
        ('a', 60, 70, 1, 0.1),
        ('a', 0, 10, 5, 0.99),
    ]  # class 5 has no action: not counted
    found = false_positives(segments(truth), segments(rows), multiples=2)
    names = ['true_positive', 'double_detection', 'localisation', 'background']
    columns = [KINDS.index(name) for name in names]
    assert found.counts[:, columns].tolist() == [[2, 1, 0, 0], [1, 0, 1, 1]]
    assert found.counts.sum() == 6
    assert found.shares == pytest.approx(
        dict(
            true_positive=3 / 6,
            double_detection=1 / 6,
            wrong_label=0,
            localisation=1 / 6,
            confusion=0,
            background=1 / 6,
        )
    )
    assert found.shares_by_multiple[0, 0] == pytest.approx(2 / 3)
    assert false_positives(segments(truth), segments(rows)).counts.sum() == 8


@pytest.mark.parametrize('seed', range(10))
def test_against_plain_loops(seed):
    truth, rows = random_test(seed)
    wanted = dict.fromkeys(KINDS, 0)
    for label in {row[3] for row in truth}:
        own = [row for row in truth if row[3] == label]
        ranked = sorted((row for row in rows if row[3] == label), key=lambda row: -row[4])
        taken = []
        for row in ranked[: 3 * len(own)]:
            free = [
                action
                for action in own
                if action[0] == row[0] and action not in taken and overlap(row, action) >= 0.5
            ]
            near = [
                (overlap(row, action), action[3] == label)
                for action in truth
                if action[0] == row[0]
            ]
            iou, same = max(near, default=(0, False))
            if free:
                taken.append(max(free, key=lambda action, row=row: overlap(row, action)))
                kind = 'true_positive'
            elif iou >= 0.5:
                kind = 'double_detection' if same else 'wrong_label'
            elif iou >= 0.1:
                kind = 'localisation' if same else 'confusion'
            else:
                kind = 'background'
            wanted[kind] += 1
    assert counted(truth, rows, multiples=3, drop_duplicates=False) == {
        kind: count for kind, count in wanted.items() if count
    }


def test_no_detection_and_what_is_refused():
    truth, nothing = segments(TRUTH), segments([('a', 0, 1, 9, 0.5)])
    found = false_positives(truth, nothing)
    assert found.counts.tolist() == np.zeros((10, 6)).tolist() and not any(found.shares.values())
    for options in (dict(tiou=0.05), dict(background=0), dict(tiou=1.1)):
        with pytest.raises(ValueError, match='expected 0 < background <= tiou <= 1'):
            false_positives(truth, nothing, **options)
    with pytest.raises(ValueError, match='multiples is 0'):
        false_positives(truth, nothing, multiples=0)
