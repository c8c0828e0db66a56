"""mAP by the published numbers, and equal to MMAction2's on random sets."""

import numpy as np
import pytest
from mmaction.evaluation.functional import ActivityNetLocalization

from downstream.tal.average_precision import Segments, temporal_map

from .rows import overlap, random_test, segments

TRUTH = [('a', 0, 10, 0), ('a', 20, 30, 0)]
FIRST = [('a', 0, 9, 0, 0.9), ('a', 1, 10, 0, 0.8), ('a', 21, 29, 0, 0.7)]


def at(truth, rows, **options):
    return temporal_map(segments(truth), segments(rows), **options).at.tolist()


def test_by_the_published_numbers():
    assert at(TRUTH, FIRST) == pytest.approx([5 / 6] * 5)
    second = [('a', 0, 6.5, 0, 0.9), ('a', 1, 10, 0, 0.8), ('a', 24, 29, 0, 0.7)]
    assert at(TRUTH, second) == pytest.approx([5 / 6] * 3 + [0.5, 0.25])
    elsewhere = [('b', 0, 9, 0, 0.9), *FIRST[1:]]
    assert at(TRUTH, elsewhere) == pytest.approx([2 / 3] * 5)
    near = [('a', 0, 10, 0), ('a', 4, 14, 0)]
    twice = [('a', 1, 11, 0, 0.9), ('a', 1, 11, 0, 0.8)]
    assert at(near, twice, tious=[0.3, 0.5, 0.6, 0.7]) == pytest.approx([1, 1, 0.5, 0.5])


def test_equal_scores():
    truth, rows = [('a', 0, 10, 0)], [('a', 0, 10, 0, 0.5), ('a', 50, 60, 0, 0.5)]
    assert at(truth, rows) == [0.5] * 5 and at(truth, rows[::-1]) == [1] * 5
    assert at(truth, rows, ties='first') == [1] * 5


def test_classes_and_duplicates():
    truth = [('t', 2, 6, 4), ('t', 2, 6, 7), ('t', 2.0005, 6.0005, 7), ('t', 20, 24, 7)]
    rows = [('t', 2, 6, 4, 0.9), ('t', 2, 6, 7, 0.8), ('t', 20.5, 24, 7, 0.6), ('t', 0, 30, 2, 0.5)]
    found = temporal_map(segments(truth), segments(rows))
    assert set(found.per_class) == {4, 7} and found.mean == 1
    assert temporal_map(segments(truth), segments(rows), drop_duplicates=False).mean < 1
    # a class without annotation is left out, and collides with no other
    assert temporal_map(segments(truth), segments([*rows[:3], ('t', 30, 35, 0, 0.95)])).mean == 1


@pytest.mark.parametrize('seed', range(6))
def test_equal_to_mmaction2(seed, tmp_path):
    """Random sets with ties, duplicates, and videos without predictions."""
    random = np.random.default_rng(seed)
    truth, rows = [], []
    for video in range(12):
        for _ in range(random.integers(1, 5)):
            begin, label = random.random() * 50, int(random.integers(3))
            truth.append((f'v{video}', begin, begin + 1 + random.random() * 20, label))
            if random.random() < 0.2:
                truth.append(truth[-1])
        for _ in range(random.integers(0, 25)):
            if random.random() < 0.6:
                _, begin, end, label = truth[random.integers(len(truth))]
                begin, end = begin + random.normal(), end + random.normal()
            else:
                begin, label = random.random() * 50, int(random.integers(3))
                end = begin + 5
            rows.append(
                (f'v{video}', begin, max(end, begin + 0.1), label, round(random.random(), 1))
            )
    tious = np.linspace(0.3, 0.7, 5)
    ours = temporal_map(segments(truth), segments(rows), tious, ties='first', drop_duplicates=False)
    theirs = peer(truth, rows, tious, tmp_path)
    assert ours.at.tolist() == pytest.approx(theirs.tolist(), abs=1e-6)


def peer(truth, rows, tious, folder):
    """MMAction2's evaluation; its ids lose two characters, its classes are named."""
    import json

    annotation, results = {}, {}
    for video, begin, end, label in truth:
        annotation.setdefault(f'v_{video}', dict(annotations=[]))['annotations'].append(
            dict(segment=[begin, end], label=f'c{label}')
        )
    for video, begin, end, label, score in rows:
        results.setdefault(video, []).append(
            dict(segment=[begin, end], label=f'c{label}', score=score)
        )
    files = []
    for name, content in (('truth', annotation), ('predictions', dict(results=results))):
        files.append(folder / f'{name}.json')
        files[-1].write_text(json.dumps(content))
    evaluation = ActivityNetLocalization(str(files[0]), str(files[1]), tious, verbose=False)
    return evaluation.evaluate()[0]


@pytest.mark.parametrize('seed', range(20))
def test_equal_to_one_detection_after_another(seed):
    """The rule in plain loops, at one threshold, with many overlaps and equal scores."""
    truth, rows = random_test(seed, decimals=1)
    found = temporal_map(segments(truth), segments(rows), [0.3, 0.5], drop_duplicates=False)
    for place, tiou in enumerate(found.tious):
        for label in {row[3] for row in truth}:
            taken, hits = set(), []
            last_first = [row for row in reversed(rows) if row[3] == label]
            for row in sorted(last_first, key=lambda row: -row[4]):
                own = [
                    index
                    for index, other in enumerate(truth)
                    if other[3] == label
                    and other[0] == row[0]
                    and overlap(row, other) >= tiou
                    and index not in taken
                ]
                hits.append(bool(own))
                taken |= {max(own, key=lambda index: overlap(row, truth[index]))} if own else set()
            total = sum(other[3] == label for other in truth)
            precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
            area = sum(precision[index:].max() for index, hit in enumerate(hits) if hit) / total
            assert found.per_class[label][place] == pytest.approx(area, abs=1e-12)


def test_sequences_and_arrays_give_the_same():
    truth, rows = (segments(rows) for rows in random_test(0))
    arrays = [
        Segments(np.array(each.videos), each.segments, np.array(each.labels), each.scores)
        for each in (truth, rows)
    ]
    one, other = temporal_map(truth, rows), temporal_map(*arrays)
    assert one.per_class.keys() == other.per_class.keys() and one.mean == other.mean > 0


def test_what_is_refused():
    good, found = segments(TRUTH), segments(FIRST)
    with pytest.raises(ValueError, match="ties is 'any'"):
        temporal_map(good, found, ties='any')
    for tious in ([], [0.5, 0], [1.5], [np.nan]):
        with pytest.raises(ValueError, match='expected one or more numbers above 0'):
            temporal_map(good, found, tious)
    with pytest.raises(ValueError, match='predictions need scores'):
        temporal_map(good, good)
    with pytest.raises(ValueError, match='no annotated segment'):
        temporal_map(segments([]), found)
    with pytest.raises(ValueError, match='differ in number'):
        Segments(['a'], np.zeros((2, 2)), [0])
    with pytest.raises(ValueError, match='must be finite'):
        Segments(['a'], np.array([[0, np.nan]]), [0])
    assert temporal_map(good, Segments([], np.zeros((0, 2)), [], [])).mean == 0
