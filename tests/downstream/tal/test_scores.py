"""mAP, recall and kinds of errors: published numbers, plain loops, and MMAction2's evaluation."""

import json

import numpy as np
import pytest
from mmaction.evaluation.functional import ActivityNetLocalization

from downstream.tal.ranking import Segments
from downstream.tal.scores import KINDS, false_positives, recall_at, temporal_map

from .rows import overlap, random_test, segments

TRUTH = [('a', 0, 10, 0), ('a', 20, 30, 0)]
FIRST = [('a', 0, 9, 0, 0.9), ('a', 1, 10, 0, 0.8), ('a', 21, 29, 0, 0.7)]


def at(truth, rows, **options):
    return temporal_map(segments(truth), segments(rows), **options).at.tolist()


def recall(truth, rows, tious=0.5, k=(1, 5), **options):
    return recall_at(segments(truth), segments(rows), tious, k, **options).tolist()


def counted(truth, rows, **options):
    counts = false_positives(segments(truth), segments(rows), **options).counts
    return {kind: int(count) for kind, count in zip(KINDS, counts.sum(0), strict=True) if count}


def test_by_the_published_numbers_and_with_equal_scores():
    assert at(TRUTH, FIRST) == pytest.approx([5 / 6] * 5)
    second = [('a', 0, 6.5, 0, 0.9), ('a', 1, 10, 0, 0.8), ('a', 24, 29, 0, 0.7)]
    assert at(TRUTH, second) == pytest.approx([5 / 6] * 3 + [0.5, 0.25])
    elsewhere = [('b', 0, 9, 0, 0.9), *FIRST[1:]]
    assert at(TRUTH, elsewhere) == pytest.approx([2 / 3] * 5)
    near = [('a', 0, 10, 0), ('a', 4, 14, 0)]
    twice = [('a', 1, 11, 0, 0.9), ('a', 1, 11, 0, 0.8)]
    assert at(near, twice, tious=[0.3, 0.5, 0.6, 0.7]) == pytest.approx([1, 1, 0.5, 0.5])
    truth, rows = [('a', 0, 10, 0)], [('a', 0, 10, 0, 0.5), ('a', 50, 60, 0, 0.5)]
    assert at(truth, rows) == [0.5] * 5 and at(truth, rows[::-1]) == [1] * 5
    assert at(truth, rows, ties='first') == [1] * 5
    assert recall(truth, rows, k=1) == [[0]] and recall(truth, rows, k=1, ties='first') == [[1]]


def test_classes_and_duplicates():
    truth = [('t', 2, 6, 4), ('t', 2, 6, 7), ('t', 2.0005, 6.0005, 7), ('t', 20, 24, 7)]
    rows = [('t', 2, 6, 4, 0.9), ('t', 2, 6, 7, 0.8), ('t', 20.5, 24, 7, 0.6), ('t', 0, 30, 2, 0.5)]
    found = temporal_map(segments(truth), segments(rows))
    assert set(found.per_class) == {4, 7} and found.mean == 1
    assert temporal_map(segments(truth), segments(rows), drop_duplicates=False).mean < 1
    # a class without annotation is left out, and collides with no other
    assert temporal_map(segments(truth), segments([*rows[:3], ('t', 30, 35, 0, 0.95)])).mean == 1
    truth = [('a', 0, 10, 0), ('a', 0, 10.0005, 0)]
    rows = [('a', 50, 60, 0, 1), ('a', 0, 10, 0, 0.5)]
    assert recall(truth, rows, k=1) == [[0]]
    assert recall(truth, rows, k=1, drop_duplicates=False) == [[1]]


@pytest.mark.parametrize('seed', range(4))
def test_equal_to_mmaction2(seed, tmp_path):
    """Random sets with ties, duplicates, and videos without predictions."""
    truth, rows = random_test(seed, decimals=1)
    known = {row[3] for row in truth}
    rows = [row for row in rows if row[3] in known]  # it knows no other class
    truth, tious = truth + truth[::5], np.linspace(0.3, 0.7, 5)
    ours = at(truth, rows, tious=tious, ties='first', drop_duplicates=False)
    assert ours == pytest.approx(peer(truth, rows, tious, tmp_path).tolist(), abs=1e-6)


def peer(truth, rows, tious, folder):
    """MMAction2's evaluation; its ids lose two characters, its classes are named."""
    annotation, results = {}, {}
    for video, begin, end, label in truth:
        action = dict(segment=[begin, end], label=f'c{label}')
        annotation.setdefault(f'v_{video}', dict(annotations=[]))['annotations'].append(action)
    for video, begin, end, label, score in rows:
        found = dict(segment=[begin, end], label=f'c{label}', score=score)
        results.setdefault(video, []).append(found)
    files = []
    for name, content in (('truth', annotation), ('predictions', dict(results=results))):
        files.append(folder / f'{name}.json')
        files[-1].write_text(json.dumps(content))
    evaluation = ActivityNetLocalization(str(files[0]), str(files[1]), tious, verbose=False)
    return evaluation.evaluate()[0]


def test_recall_by_hand():
    # class 0: two actions in a, one in b; class 1: one in a
    truth = [('a', 0, 10, 0), ('a', 20, 30, 0), ('b', 0, 10, 0), ('a', 40, 50, 1)]
    rows = [
        ('a', 50, 60, 0, 0.9),
        ('a', 0, 10, 0, 0.8),
        ('a', 20, 29, 0, 0.7),  # third: only at 5x
        ('b', 0, 4, 0, 0.9),
        ('b', 0, 5, 0, 0.1),  # IoU .4, then .5: equality counts
        ('a', 0, 1, 1, 0.2),
        ('b', 40, 50, 1, 0.9),  # never the right video
    ]
    assert recall(truth, rows) == [[pytest.approx((1 / 3 + 0) / 2), pytest.approx((3 / 3 + 0) / 2)]]
    found = recall(truth, rows, [0.4, 0.5, 0.95], 1)
    assert np.ravel(found) == pytest.approx([2 / 6, 1 / 6, 1 / 6])
    # one detection finds all that it overlaps
    assert recall([('a', 0, 10, 0), ('a', 1, 11, 0)], [('a', 0, 11, 0, 0.9)], k=1) == [[1]]


MIXED = [('a', 0, 10, 0), ('a', 20, 30, 1), ('b', 0, 10, 1)]


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
def test_each_kind_of_error(row, kind):
    assert counted(MIXED, [row]) == {kind: 1}
    if row == ('a', 0, 4, 0, 0.9):  # by its thresholds
        assert counted(MIXED, [row], tiou=0.4) == dict(true_positive=1)
        assert counted(MIXED, [row], background=0.41) == dict(background=1)


def test_several_detections_of_one_action():
    rows = [('a', 0, 9, 0, 0.9), ('a', 0, 10, 0, 0.8), ('a', 0, 4, 0, 0.7)]
    assert counted(MIXED, rows) == dict(true_positive=1, double_detection=1, localisation=1)
    # the nearest action decides
    truth = [('a', 0, 10, 0), ('a', 2, 12, 1)]
    rows = [('a', 0, 10, 0, 0.9), ('a', 2, 12, 0, 0.8), ('a', 1, 10, 0, 0.7)]
    assert counted(truth, rows) == dict(true_positive=1, wrong_label=1, double_detection=1)
    # and the own one of two classes on one segment
    truth = [('a', 0, 10, 4), ('a', 0, 10, 7)]
    rows = [('a', 0, 10, 7, 0.9), ('a', 0, 9, 7, 0.8), ('a', 0, 3, 7, 0.7)]
    assert counted(truth, rows) == dict(true_positive=1, double_detection=1, localisation=1)
    listed = dict(true_positive=1, wrong_label=1, confusion=1)
    assert counted(truth, rows, own_first=False) == listed
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
        ('a', 0, 10, 5, 0.99),  # class 5 has no action: not counted
    ]
    found = false_positives(segments(truth), segments(rows), multiples=2)
    names = ['true_positive', 'double_detection', 'localisation', 'background']
    columns = [KINDS.index(name) for name in names]
    assert found.counts[:, columns].tolist() == [[2, 1, 0, 0], [1, 0, 1, 1]]
    assert found.counts.sum() == 6
    shares = [found.shares.pop(kind) for kind in names]
    assert shares == pytest.approx([3 / 6, 1 / 6, 1 / 6, 1 / 6])
    assert false_positives(segments(truth), segments(rows)).counts.sum() == 8


@pytest.mark.parametrize('seed', range(3))
def test_errors_by_plain_loops(seed):
    truth, rows = random_test(seed)
    wanted = dict.fromkeys(KINDS, 0)
    for label in {row[3] for row in truth}:
        own, taken = [row for row in truth if row[3] == label], []
        ranked = sorted((row for row in rows if row[3] == label), key=lambda row: -row[4])
        for row in ranked[: 3 * len(own)]:
            there = [action for action in truth if action[0] == row[0]]
            near = [(overlap(row, action), action[3] == label) for action in there]
            free = [a for a in there if a in own and a not in taken and overlap(row, a) >= 0.5]
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
    found = counted(truth, rows, multiples=3, drop_duplicates=False)
    assert found == {kind: count for kind, count in wanted.items() if count}


def test_no_detection():
    truth, nothing = segments(MIXED), Segments([], np.zeros((0, 2)), [], [])
    for foreign in (nothing, segments([('z', 0, 10, 9, 0.5)])):
        assert temporal_map(truth, foreign).mean == 0
        assert recall_at(truth, foreign).tolist() == [[0, 0]] * 5
        found = false_positives(truth, foreign)
        assert found.counts.tolist() == np.zeros((10, 6)).tolist()
        assert not any(found.shares.values())


def test_what_is_refused():
    good, found, wrong = segments(TRUTH), segments(FIRST), ([], [0.5, 0], [1.5], [np.nan])
    for call, message in (
        (
            lambda: temporal_map(good, found, ties='any'),
            "ties must be one of 'last', 'first', got 'any'",
        ),
        (lambda: temporal_map(good, good), 'predictions need scores'),
        (lambda: temporal_map(segments([]), found), 'no annotated segment'),
        (lambda: Segments(['a'], np.zeros((2, 2)), [0]), 'differ in number'),
        (lambda: Segments(['a'], np.array([[0, np.nan]]), [0]), 'must be finite'),
        (lambda: false_positives(good, found, multiples=0), 'multiples is 0'),
        *((lambda t=t: temporal_map(good, found, t), 'numbers above 0') for t in wrong),
        *((lambda k=k: recall_at(good, found, k=k), 'numbers of at least 1') for k in ([], 0, 1.5)),
        (lambda: false_positives(good, found, tiou=0.05), 'expected 0 < background <= tiou <= 1'),
        (lambda: false_positives(good, found, background=0), 'expected 0 < background'),
        (lambda: false_positives(good, found, tiou=1.1), 'expected 0 < background'),
    ):
        with pytest.raises(ValueError, match=message):
            call()
